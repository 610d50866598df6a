import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';

/** OpenRouter's published OpenAPI document, where the test data have it: what is checked against it is skipped elsewhere. */
export interface OpenRouterSchema {
  /** What is wrong with a body, by schema name (`ChatResult`) or by operation (`GET /key`). */
  problems(name: string, body: unknown): readonly string[];
}

type Node = { [key: string]: unknown };

const file =
  process.env.TURNPIKE_TEST_DATA && join(process.env.TURNPIKE_TEST_DATA, '..', 'spec', 'openrouter-schema.json');
export const hasOpenRouterSchema = file !== undefined && file !== '' && existsSync(file);

export function openRouterSchema(): OpenRouterSchema {
  if (!file) throw new Error('no schema');
  const document = JSON.parse(readFileSync(file, 'utf8')) as Node & { components: { schemas: Node }; paths: Node };
  // Which providers exist is data, not form: ours has hosts theirs has not.
  openProviderNames(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(document, 'openrouter');
  const pointer = (name: string): string => {
    const [method, path] = name.split(' ');
    if (path === undefined) return `/components/schemas/${name}`;
    const escaped = path.replaceAll('~', '~0').replaceAll('/', '~1');
    return `/paths/${escaped}/${method?.toLowerCase()}/responses/200/content/application~1json/schema`;
  };
  return {
    problems(name, body) {
      const validate = ajv.getSchema(`openrouter#${pointer(name)}`);
      if (!validate) throw new Error(`no schema ${name}`);
      if (validate(body)) return [];
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
    },
  };
}

function openProviderNames(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if ((key === 'provider_name' || key === 'ProviderName') && Array.isArray((value as Node | null)?.enum)) {
      (node as Node)[key] = { type: ['string', 'null'] };
    } else openProviderNames(value);
  }
}
