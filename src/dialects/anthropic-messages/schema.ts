/**
 * A JSON Schema as this maker's structured output takes it (spec/providers B.2.2, UP-069): what it cannot enforce is said in the
 * description instead, so that the model still knows.
 */
type Schema = Readonly<Record<string, unknown>>;

const FORMATS: ReadonlySet<unknown> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
]);

const UNENFORCED: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]);

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function enforced(key: string, value: unknown): boolean {
  if (key === 'minItems') return value === 0 || value === 1;
  if (key === 'format') return FORMATS.has(value);
  return !UNENFORCED.has(key);
}

const each = (value: unknown): unknown => (isSchema(value) ? mapped(value) : value);

/** Members that hold schemas by name are maps; everything else that looks like a schema is one. */
const mapped = (value: Schema): Schema =>
  Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, enforceable(inner)]));

function enforceable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(enforceable);
  if (!isSchema(value)) return value;
  const said: string[] = [];
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (!enforced(key, inner)) said.push(`${key}: ${JSON.stringify(inner)}`);
    else if (key === 'properties' || key === '$defs' || key === 'definitions') kept[key] = each(inner);
    else if (key === 'enum' || key === 'const' || key === 'default' || key === 'examples' || key === 'required')
      kept[key] = inner;
    else kept[key === 'oneOf' ? 'anyOf' : key] = enforceable(inner);
  }
  if (kept.type === 'object' || kept.properties !== undefined) kept.additionalProperties = false;
  if (said.length > 0) {
    const own = typeof kept.description === 'string' ? `${kept.description} ` : '';
    kept.description = `${own}(${said.join(', ')})`;
  }
  return kept;
}

export const sanitised = (schema: Schema): Schema => enforceable(schema) as Schema;
