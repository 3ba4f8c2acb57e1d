import { describe, expect, it } from 'vitest';
import { tidyComponents } from './openapi-components.ts';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

describe('components of the OpenAPI document', () => {
  it('are those that are used, under plain names', () => {
    const document = {
      paths: { '/x': { body: ref('PetCreateInput'), answer: ref('Pet') } },
      components: {
        schemas: {
          Pet: { properties: { kind: ref('Kind') } },
          PetInput: {},
          PetCreate: {},
          PetCreateInput: { properties: { kind: ref('KindInput') } },
          Kind: { enum: ['cat'] },
          KindInput: { enum: ['cat'] },
        },
      },
    };
    expect(tidyComponents(document)).toEqual({
      paths: { '/x': { body: ref('PetCreate'), answer: ref('Pet') } },
      components: {
        schemas: {
          Kind: { enum: ['cat'] },
          Pet: { properties: { kind: ref('Kind') } },
          PetCreate: { properties: { kind: ref('Kind') } },
        },
      },
    });
  });

  it('keep two names where requests and answers differ', () => {
    const document = {
      paths: { body: ref('PetInput'), answer: ref('Pet') },
      components: { schemas: { Pet: { required: ['id'] }, PetInput: {} } },
    };
    expect(Object.keys(tidyComponents(document).components.schemas)).toEqual(['Pet', 'PetInput']);
  });
});
