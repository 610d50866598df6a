import { asArray, asObject, type JsonObject } from '../read.ts';

/**
 * JSON Schema for hosts that take less of it (spec/providers A.2.10): no `$schema`, tuples as `prefixItems`, and no type beside a
 * choice. All of this says the same as before; only what stands in for a choice at the root says less.
 */
function narrow(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(narrow);
  const raw = asObject(value);
  if (!raw) return value;
  const { $schema: _, items, additionalItems, type, ...rest } = raw;
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(rest))
    out[key] = MAPS.has(key) ? members(inner) : VALUES.has(key) ? inner : narrow(inner);
  if (Array.isArray(items)) {
    out.prefixItems = items.map(narrow);
    if (additionalItems !== undefined) out.items = narrow(additionalItems);
  } else if (items !== undefined) out.items = narrow(items);
  if (type === undefined) return out;
  const branches = asArray(out.anyOf);
  if (!branches) return { type, ...out };
  out.anyOf = branches.map((branch) => {
    const own = asObject(branch);
    return own && own.type === undefined && own.$ref === undefined ? { type, ...own } : branch;
  });
  return out;
}

const MAPS: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions']);
const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'required']);

const members = (value: unknown): unknown =>
  Object.fromEntries(Object.entries(asObject(value) ?? {}).map(([name, inner]) => [name, narrow(inner)]));

/** Whether the parameters are no object by their own word: what a choice leaves open is then lost. */
export const hasChoiceAtRoot = (schema: JsonObject | undefined): boolean =>
  schema?.anyOf !== undefined || schema?.oneOf !== undefined;

/** Parameters of a function: an object at the root, with the members of every branch where it was a choice. */
export function narrowSchema(schema: JsonObject): Readonly<Record<string, unknown>> {
  const { anyOf, oneOf, ...own } = asObject(narrow(schema)) ?? {};
  const branches = [...(asArray(anyOf) ?? []), ...(asArray(oneOf) ?? [])].map((branch) => asObject(branch) ?? {});
  const properties = Object.assign({}, ...branches.map((branch) => branch.properties), own.properties) as object;
  return { ...own, type: 'object', properties };
}
