/** `npm run sdk`: writes schema/openapi.json and src/sdk anew, from the routes as they are. */
import { generateSdk, root } from './sdk.ts';

await generateSdk(root);
