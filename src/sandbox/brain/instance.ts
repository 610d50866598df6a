import { fail, ok, type Result } from '../../canon/result.ts';
import { excerpt, type Prompt } from './prompt.ts';

/**
 * An instance of a JSON Schema, filled from the words of the prompt. The subset is: type, enum, const, properties, required,
 * additionalProperties, items, anyOf, local $ref, numeric, length and item bounds, and the usual formats. Whatever else
 * constrains an instance is refused by name, because an instance that silently breaks it would be worse than none.
 */
export function instanceOf(
  schema: unknown,
  prompt: Prompt,
  options: { readonly optional: boolean },
): Result<unknown, { readonly pointer: string; readonly problem: string }> {
  try {
    return ok(new Filler(schema, prompt, options.optional).fill(schema, '#', 0));
  } catch (error) {
    if (error instanceof Unsupported) return fail({ pointer: error.pointer, problem: error.message });
    throw error;
  }
}

class Unsupported extends Error {
  readonly pointer: string;
  constructor(pointer: string, problem: string) {
    super(problem);
    this.pointer = pointer;
  }
}

type Schema = Readonly<Record<string, unknown>>;

/** Keywords that describe and do not constrain. */
const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'deprecated',
  'readOnly',
  'writeOnly',
];
const KNOWN = new Set([
  ...ANNOTATIONS,
  ...['type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'items', 'anyOf', '$ref', 'format'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems'],
]);

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-15',
  'date-time': '2026-01-15T09:30:00Z',
  time: '09:30:00Z',
  duration: 'PT1H',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const DEPTH_MAX = 64;
/** From here on only what is required is filled, and the shorter branch is taken, so that recursive schemas end. */
const DEPTH_GENEROUS = 4;

class Filler {
  readonly #root: unknown;
  readonly #prompt: Prompt;
  readonly #optional: boolean;
  #names = 0;
  #numbers = 0;

  constructor(root: unknown, prompt: Prompt, optional: boolean) {
    this.#root = root;
    this.#prompt = prompt;
    this.#optional = optional;
  }

  fill(wire: unknown, at: string, depth: number): unknown {
    if (depth > DEPTH_MAX) throw new Unsupported(at, 'never ends');
    if (wire === true) return excerpt(this.#prompt.text, 60);
    const schema = this.#plain(object(wire, at), at, depth);
    if ('const' in schema) return schema.const;
    if (schema.enum !== undefined) return this.#choose(schema, at);
    const type = typeOf(schema, at, depth);
    if (type === 'object') return this.#object(schema, at, depth);
    if (type === 'array') return this.#array(schema, at, depth);
    if (type === 'string') return this.#string(schema, at);
    if (type === 'integer' || type === 'number') return this.#number(schema, at, type === 'integer');
    if (type === 'boolean') return true;
    if (type === 'null') return null;
    throw new Unsupported(`${at}/type`, `is ${JSON.stringify(type)}, which is no type`);
  }

  /** References followed and one branch of `anyOf` taken, merged with what stands beside them. */
  #plain(schema: Schema, at: string, depth: number): Schema {
    const strange = Object.keys(schema).find((key) => !KNOWN.has(key));
    if (strange !== undefined)
      throw new Unsupported(`${at}/${strange}`, 'is not in the subset the sandbox understands');
    if (schema.$ref !== undefined) {
      if (depth > DEPTH_MAX) throw new Unsupported(at, 'never ends');
      const { $ref, ...beside } = schema;
      return this.#plain(merge(this.#resolve($ref, at), beside), at, depth + 1);
    }
    if (schema.anyOf === undefined) return schema;
    const { anyOf, ...beside } = schema;
    if (!Array.isArray(anyOf) || anyOf.length === 0) throw new Unsupported(`${at}/anyOf`, 'must be a list of schemas');
    const branches: readonly unknown[] = anyOf;
    const isNull = (branch: unknown): boolean => (branch as { type?: unknown } | null)?.type === 'null';
    const index = branches.findIndex((branch) => isNull(branch) === depth > DEPTH_GENEROUS);
    const chosen = Math.max(index, 0);
    return this.#plain(
      merge(object(branches[chosen], `${at}/anyOf/${chosen}`), beside),
      `${at}/anyOf/${chosen}`,
      depth + 1,
    );
  }

  #resolve(ref: unknown, at: string): Schema {
    if (typeof ref !== 'string' || !ref.startsWith('#'))
      throw new Unsupported(`${at}/$ref`, 'must point into the same schema');
    let node: unknown = this.#root;
    for (const step of ref.slice(1).split('/').slice(1)) {
      const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
      node = Object.hasOwn(Object(node), key) ? (node as Schema)[key] : undefined;
    }
    if (node === undefined) throw new Unsupported(`${at}/$ref`, `points to ${ref}, which is not there`);
    return object(node, ref);
  }

  #choose(schema: Schema, at: string): unknown {
    const values: readonly unknown[] = Array.isArray(schema.enum) ? schema.enum : [];
    const types = typesOf(schema);
    const fitting = values.filter((value) => types.length === 0 || types.some((type) => isOf(value, type)));
    if (fitting.length === 0) throw new Unsupported(`${at}/enum`, 'has no value that fits');
    const text = this.#prompt.text.toLowerCase();
    return (
      fitting.find((value) => typeof value === 'string' && value !== '' && text.includes(value.toLowerCase())) ??
      fitting[0]
    );
  }

  #object(schema: Schema, at: string, depth: number): unknown {
    const properties = schema.properties === undefined ? {} : object(schema.properties, `${at}/properties`);
    const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
    const generous = depth < DEPTH_GENEROUS && (this.#optional || (required.length === 0 && depth === 0));
    const filled: Record<string, unknown> = Object.create(null);
    for (const [key, value] of Object.entries(properties)) {
      if (generous || required.includes(key)) filled[key] = this.fill(value, `${at}/properties/${key}`, depth + 1);
    }
    for (const key of required) {
      if (typeof key !== 'string' || Object.hasOwn(filled, key)) continue;
      if (schema.additionalProperties === false)
        throw new Unsupported(`${at}/required`, `asks for ${JSON.stringify(key)}, which may not be there`);
      filled[key] = this.fill(schema.additionalProperties ?? true, `${at}/additionalProperties`, depth + 1);
    }
    return filled;
  }

  #array(schema: Schema, at: string, depth: number): unknown[] {
    const least = bound(schema, 'minItems', at) ?? 0;
    const most = bound(schema, 'maxItems', at) ?? Number.POSITIVE_INFINITY;
    if (least > most) throw new Unsupported(`${at}/minItems`, 'is above maxItems');
    if (least > 10_000) throw new Unsupported(`${at}/minItems`, 'asks for more than 10,000 items');
    const length = Math.min(most, Math.max(least, depth < DEPTH_GENEROUS ? 2 : 0));
    return Array.from({ length }, () => this.fill(schema.items ?? true, `${at}/items`, depth + 1));
  }

  #string(schema: Schema, at: string): string {
    const least = bound(schema, 'minLength', at) ?? 0;
    const most = bound(schema, 'maxLength', at) ?? Number.POSITIVE_INFINITY;
    if (least > most) throw new Unsupported(`${at}/minLength`, 'is above maxLength');
    if (least > 100_000) throw new Unsupported(`${at}/minLength`, 'asks for more than 100,000 characters');
    if (schema.format !== undefined) {
      const value = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
      if (value === undefined || value.length < least || value.length > most)
        throw new Unsupported(`${at}/format`, `${JSON.stringify(schema.format)} cannot be met`);
      return value;
    }
    const { names, text } = this.#prompt;
    const word = names[this.#names] ?? names.at(-1) ?? (excerpt(text, 60) || 'sandbox');
    this.#names += 1;
    // Lengths are code points in JSON Schema, UTF-16 units in JavaScript.
    const points = Array.from(word);
    while (points.length < least) points.push('.');
    return points.slice(0, most).join('');
  }

  #number(schema: Schema, at: string, whole: boolean): number {
    const step = whole ? 1 : 0.5;
    const least = Math.max(
      bound(schema, 'minimum', at) ?? -Infinity,
      (bound(schema, 'exclusiveMinimum', at) ?? -Infinity) + (whole ? step : 0),
    );
    const most = Math.min(
      bound(schema, 'maximum', at) ?? Infinity,
      (bound(schema, 'exclusiveMaximum', at) ?? Infinity) - (whole ? step : 0),
    );
    const [low, high] = whole ? [Math.ceil(least), Math.floor(most)] : [least, most];
    const fits = (value: number): boolean =>
      value >= low &&
      value <= high &&
      value !== schema.exclusiveMinimum &&
      value !== schema.exclusiveMaximum &&
      (!whole || Number.isInteger(value));
    const wanted = this.#prompt.numbers[this.#numbers];
    this.#numbers += 1;
    const middle =
      Number.isFinite(low) && Number.isFinite(high)
        ? low + (high - low) / 2
        : Number.isFinite(low)
          ? low + step
          : high - step;
    const value = [wanted, 1, 0, low, high, whole ? Math.trunc(middle) : middle].find(
      (one) => one !== undefined && Number.isFinite(one) && fits(one),
    );
    if (value === undefined) throw new Unsupported(at, 'has numeric bounds that nothing meets');
    return value;
  }
}

function object(wire: unknown, at: string): Schema {
  if (typeof wire === 'object' && wire !== null && !Array.isArray(wire)) return wire as Schema;
  throw new Unsupported(at, 'must be an object');
}

function merge(base: Schema, beside: Schema): Schema {
  const required = [base.required, beside.required].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  return {
    ...base,
    ...beside,
    ...((base.properties !== undefined || beside.properties !== undefined) && {
      properties: { ...Object(base.properties), ...Object(beside.properties) },
    }),
    ...(required.length > 0 && { required }),
  };
}

const typesOf = (schema: Schema): readonly unknown[] =>
  Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];

function typeOf(schema: Schema, at: string, depth: number): unknown {
  const types = typesOf(schema);
  if (types.length === 0) {
    if (schema.properties !== undefined || schema.required !== undefined) return 'object';
    if (schema.items !== undefined || schema.minItems !== undefined) return 'array';
    if (
      schema.minimum !== undefined ||
      schema.maximum !== undefined ||
      schema.exclusiveMinimum !== undefined ||
      schema.exclusiveMaximum !== undefined
    )
      return 'number';
    return 'string';
  }
  const chosen = types.find((type) => (type === 'null') === depth > DEPTH_GENEROUS) ?? types[0];
  if (typeof chosen !== 'string') throw new Unsupported(`${at}/type`, 'must be a name or a list of names');
  return chosen;
}

function isOf(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function bound(schema: Schema, key: string, at: string): number | undefined {
  const value = schema[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unsupported(`${at}/${key}`, 'must be a number');
  return value;
}
