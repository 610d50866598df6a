/** Gemini's own schema dialect, an OpenAPI subset with loud type names, as JSON Schema. JSON Schema itself passes unchanged. */
type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'example', 'required']);
const GONE: ReadonlySet<string> = new Set(['nullable', 'propertyOrdering']);

function each(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(each);
  return isSchema(value) ? jsonSchema(value) : value;
}

export function jsonSchema(schema: Schema): Schema {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (GONE.has(key)) continue;
    if (key === 'type' && typeof value === 'string') {
      const type = value.toLowerCase();
      out.type = schema.nullable === true ? [type, 'null'] : type;
    } else if (VALUES.has(key)) out[key] = value;
    else if (MAPS.has(key) && isSchema(value))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, each(inner)]));
    else out[key] = each(value);
  }
  return out;
}
