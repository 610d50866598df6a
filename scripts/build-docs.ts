import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ERRORS } from '../src/canon/errors.ts';
import { PLUGINS } from '../src/canon/plugins.ts';
import { PREFERENCES } from '../src/canon/preferences.ts';
import { QUIRKS, TRAITS } from '../src/canon/target.ts';
import { UNITS } from '../src/canon/units.ts';
import { LIMITS } from '../src/config/limits.ts';
import { configFile } from '../src/config/schema.ts';
import { FAULT_IDS, faultRow } from '../src/sandbox/faults.ts';

/** Documents that are tables of the code: written from it, and compared with it by test/tidy.test.ts. */

const cell = (text: unknown): string => String(text).replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly unknown[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
const code = (text: string): string => `\`${text}\``;

const page = (title: string, ...parts: readonly string[]): string => `# ${title}\n\n${parts.join('\n\n')}\n`;

const NEXT = {
  endpoint: 'another host, then the next model',
  'larger-window': 'a host with more context, then the next model',
  once: 'another host, or the same again, one time; then the next model',
  model: 'the next model',
  none: 'nothing',
};

export const GENERATED: Readonly<Record<string, string>> = {
  'docs/errors.md': page(
    'Errors',
    'Every error this gateway gives, by its stable code. `Tried next` is what may happen before any content has reached the client. `Health` errors count against the host that caused them.',
    table(
      ['Code', 'Status', 'error_type', 'Tried next', 'Health', 'Meaning'],
      Object.entries(ERRORS).map(([id, row]) => [
        code(id),
        row.status,
        row.type,
        NEXT[row.next],
        row.health ? 'yes' : 'no',
        row.meaning,
      ]),
    ),
  ),
  'docs/faults.md': page(
    'Faults',
    'What a sandbox host does wrong on demand. `POST /_sandbox/faults` on the host’s own port with `{"fault": "500", "probability": 0.5, "count": 3}` adds one (both optional), `GET` lists them, `DELETE` clears them; `sandbox.faults` in turnpike.yaml sets them from the start. `latency` and `tokens-per-second` take a `value`. `Next` is what the gateway makes of it when a stream is asked for; an answer that is not streamed goes to another host whenever nobody has seen any of it.',
    table(
      ['Fault', 'Does', 'Status', 'Message', 'Next'],
      FAULT_IDS.map((id) => {
        const row = faultRow(id);
        return [code(id), row.says, row.status ?? '', row.message ?? '', row.next];
      }),
    ),
  ),
  'docs/units.md': page(
    'Units',
    'Everything that can be billed. Units are disjoint: a cached token is counted once. A unit without a price of its own costs what its fallback costs, or nothing. A charge is the sum of quantity × price over the units in pico-dollars, rounded half up to nano-dollars once, at the end.',
    table(
      ['Unit', 'What', 'Counts', 'Key in `pricing`', 'Fallback'],
      Object.entries(UNITS).map(([id, row]) => [
        code(id),
        row.label,
        row.counts,
        code(row.pricing),
        row.fallback === undefined ? 'free' : code(row.fallback),
      ]),
    ),
  ),
  'docs/quirks.md': page(
    'Quirks',
    'How a provider may deviate from its dialect; `quirks` of a provider in the catalogue or in turnpike.yaml names them.',
    table(
      ['Quirk', 'What it does'],
      Object.entries(QUIRKS).map(([id, says]) => [code(id), says]),
    ),
  ),
  'docs/plugins.md': page(
    'Plugins',
    'What `plugins` of a request may switch on: `[{"id": "response-healing"}]`, with the options beside the id; `"enabled": false` switches one off. Plugins of the protocol that are not here are [refused by name](decisions/0007-plugins-refused.md).',
    table(
      ['Plugin', 'Options', 'What it does'],
      Object.entries(PLUGINS).map(([id, row]) => [
        code(id),
        Object.keys(row.schema.shape).map(code).join(', ') || '–',
        row.says,
      ]),
    ),
  ),
  'docs/traits.md': page(
    'Traits',
    'What a model is like, whoever serves it, as far as a wire must know. Rules in `catalogue/traits.toml` say which model has which; without any, a model thinks within a budget and can be told everything.',
    table(
      ['Trait', 'What it means'],
      Object.entries(TRAITS).map(([id, says]) => [code(id), says]),
    ),
  ),
  'docs/preferences.md': page(
    'Preferences',
    'Members of `provider` in a request: what a caller wishes of [routing](routing.md). Members that are `null` count as absent; a wrong type or value is refused.',
    table(
      ['Member', 'What it does'],
      Object.entries(PREFERENCES).map(([id, row]) => [code(id), row.says]),
    ),
  ),
  'docs/limits.md': page(
    'Limits',
    '`limits` in turnpike.yaml; milliseconds where the name ends in `_ms` or `_ms_max`.',
    table(
      ['Limit', 'Default', 'What'],
      Object.entries(LIMITS).map(([id, row]) => [code(id), row.default, row.says]),
    ),
  ),
  'docs/turnpike.schema.json': `${JSON.stringify(z.toJSONSchema(configFile, { io: 'input', unrepresentable: 'any' }), null, 2)}\n`,
};

if (import.meta.main) {
  for (const [file, text] of Object.entries(GENERATED)) writeFileSync(join(import.meta.dir, '..', file), text);
}
