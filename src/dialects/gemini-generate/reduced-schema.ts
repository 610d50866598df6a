import { asArray, asObject, asText, type JsonObject } from '../read.ts';

/**
 * JSON Schema → the subset of OpenAPI that parameters of functions are written in here (spec/providers B.3.2): references put in their
 * place, null said by `nullable`, enums of strings, nothing beside `anyOf`. What is not in the subset is left out, and said to be.
 */

type Schema = Record<string, unknown>;

/** Kept as they are. */
const SIMPLE: ReadonlySet<string> = new Set([
  'title',
  'description',
  'nullable',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'propertyOrdering',
]);
/** Read elsewhere, or no constraint: nothing is lost by leaving them out. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'properties', 'required', 'items', 'prefixItems', 'format'],
  ...['$ref', '$defs', 'definitions', '$schema', '$id', '$comment', '$anchor', 'default', 'example', 'examples'],
]);
const FORMATS: ReadonlySet<string> = new Set(['date-time', 'enum', 'float', 'double', 'int32', 'int64']);

class Reducer {
  /** Something that constrained the value is gone. */
  lossy = false;
  readonly #root: JsonObject;
  /** References that are being put in their place: one inside itself has no end. */
  readonly #within: string[] = [];

  constructor(root: JsonObject) {
    this.#root = root;
  }

  schema(value: unknown): Schema {
    const raw = asObject(value);
    if (!raw) {
      this.lossy ||= value === false;
      return {};
    }
    const reference = asText(raw.$ref);
    if (reference !== undefined) return this.#inlined(reference, raw);
    return this.#node(this.#merged(raw));
  }

  #inlined(reference: string, { $ref: _, ...beside }: JsonObject): Schema {
    const found = this.#within.includes(reference) ? undefined : this.#resolve(reference);
    if (!found) {
      this.lossy = true;
      return this.#node({ type: 'object', ...beside });
    }
    this.#within.push(reference);
    const schema = this.schema({ ...found, ...beside });
    this.#within.pop();
    return schema;
  }

  #resolve(reference: string): JsonObject | undefined {
    if (!reference.startsWith('#')) return undefined;
    let at: unknown = this.#root;
    for (const step of reference.slice(1).split('/').slice(1))
      at = asObject(at)?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')];
    return asObject(at);
  }

  /** All of several schemas is one schema with the members of all. */
  #merged({ allOf, ...own }: JsonObject): JsonObject {
    let all: Schema = own;
    for (const one of asArray(allOf) ?? []) {
      const reference = asText(asObject(one)?.$ref);
      const found = asObject(reference === undefined ? one : this.#resolve(reference)) ?? {};
      const inner = this.#merged(found);
      const required = [...(asArray(all.required) ?? []), ...(asArray(inner.required) ?? [])];
      const properties = { ...asObject(all.properties), ...asObject(inner.properties) };
      all = {
        ...inner,
        ...all,
        ...(Object.keys(properties).length > 0 && { properties }),
        ...(required.length > 0 && { required }),
      };
    }
    return all;
  }

  #node(raw: JsonObject): Schema {
    const branches = asArray(raw.anyOf) ?? asArray(raw.oneOf);
    if (branches) return this.#anyOf(raw, branches);
    const types = (asArray(raw.type) ?? [raw.type]).filter((type) => typeof type === 'string');
    const named = types.filter((type) => type !== 'null');
    const nullable = types.length > named.length || raw.nullable === true || asArray(raw.enum)?.includes(null) === true;
    if (named.length > 1)
      return this.#anyOf(
        { ...raw, type: undefined, nullable },
        named.map((type) => ({ type })),
      );
    const type = typeOf(raw, named[0]);
    const out: Schema = { ...(type !== undefined && { type: type.toUpperCase() }), ...(nullable && { nullable }) };
    for (const [key, value] of Object.entries(raw)) {
      if (SIMPLE.has(key)) out[key] = value;
      else if (!HARMLESS.has(key) && !(key === 'additionalProperties' && value === true)) this.lossy = true;
    }
    if (out.nullable === false) delete out.nullable;
    const format = asText(raw.format);
    if (format !== undefined && FORMATS.has(format)) out.format = format;
    else if (format !== undefined) this.lossy = true;
    this.#values(raw, out);
    if (type === 'object') this.#properties(raw, out);
    if (type === 'array') this.#items(raw, out);
    return out;
  }

  /** Each branch has all that stood beside the choice; null is no branch but a mark. */
  #anyOf({ anyOf: _, oneOf: __, ...beside }: JsonObject, branches: readonly unknown[]): Schema {
    const isNull = (branch: unknown): boolean => asObject(branch)?.type === 'null';
    const values = branches.filter((branch) => !isNull(branch));
    const nullable = values.length < branches.length || beside.nullable === true;
    const whole = values.map((branch) => {
      const own = asObject(branch) ?? {};
      return this.schema({ ...beside, ...own, ...(nullable && { nullable }) });
    });
    const [only] = whole;
    return whole.length === 1 && only ? only : { anyOf: whole };
  }

  /** Only texts can be listed; other values are told in words. */
  #values(raw: JsonObject, out: Schema): void {
    const listed = raw.const === undefined ? asArray(raw.enum) : [raw.const];
    const values = listed?.filter((value) => value !== null) ?? [];
    if (values.length === 0) return;
    if (values.every((value) => typeof value === 'string')) {
      out.type = 'STRING';
      out.enum = values;
      return;
    }
    this.lossy = true;
    const words = `One of ${values.map((value) => JSON.stringify(value)).join(', ')}.`;
    out.description = out.description === undefined ? words : `${String(out.description)} ${words}`;
  }

  #properties(raw: JsonObject, out: Schema): void {
    const properties = asObject(raw.properties) ?? {};
    if (Object.keys(properties).length === 0) return;
    out.properties = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, this.schema(value)]));
    const required = (asArray(raw.required) ?? []).filter((name) => typeof name === 'string' && name in properties);
    if (required.length > 0) out.required = required;
  }

  /** A list has one kind of item here, and must say which. */
  #items(raw: JsonObject, out: Schema): void {
    const tuple = asArray(raw.prefixItems) ?? asArray(raw.items);
    if (tuple || raw.items === undefined) this.lossy = true;
    if (tuple && tuple.length > 0) out.items = this.#anyOf({}, tuple);
    else out.items = tuple || raw.items === undefined ? { type: 'STRING' } : this.schema(raw.items);
  }
}

function typeOf(raw: JsonObject, said: unknown): string | undefined {
  if (typeof said === 'string') return said.toLowerCase();
  if (raw.properties !== undefined) return 'object';
  if (raw.items !== undefined || raw.prefixItems !== undefined) return 'array';
  if (raw.const === undefined || raw.const === null) return undefined;
  return typeof raw.const === 'object' ? undefined : typeof raw.const;
}

export interface Reduced {
  /** Undefined for an object without members: a function without parameters says nothing of them. */
  readonly schema: Readonly<Record<string, unknown>> | undefined;
  readonly lossy: boolean;
}

export function reducedSchema(schema: JsonObject): Reduced {
  const reducer = new Reducer(schema);
  const reduced = reducer.schema(schema);
  const empty = reduced.type === 'OBJECT' && reduced.properties === undefined;
  return { schema: empty || Object.keys(reduced).length === 0 ? undefined : reduced, lossy: reducer.lossy };
}
