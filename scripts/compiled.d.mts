export function compiled(program: string): Promise<string>;
