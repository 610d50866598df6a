import { type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema';
import { collect } from '../canon/collect.ts';
import type { Dropped } from '../canon/dropped.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { GenerationRequest, Message, OutputForm } from '../canon/request.ts';
import type { Target } from '../canon/target.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { type formToHeal, mend } from '../plugins/healing.ts';

/** What is wrong with a whole answer, or undefined where it is as it was asked to be. */
export type Check = (events: readonly GenerationEvent[]) => string | undefined;

/** A wish that a host cannot be told, told in another way: whether the host did as it was told is then ours to check. */
interface Emulation {
  readonly request: GenerationRequest;
  readonly check?: Check;
  readonly dropped: Dropped;
}

type Healed = ReturnType<typeof formToHeal>;
type SchemaForm = Extract<OutputForm, { kind: 'json-schema' }>;
type Form = SchemaForm | Extract<OutputForm, { kind: 'json' }>;

/**
 * A schema for hosts that promise JSON and no more: it stands in the prompt, and the whole answer is checked before any of it is given
 * to the caller (spec/providers B.14.2).
 * The same for hosts that take a form or tools, where there are tools (UP-075): the tools stay.
 * @param healed the form that the answer is mended to before anybody sees it: what can be mended passes
 * @returns undefined where there is nothing to emulate
 */
export function emulation(
  request: GenerationRequest,
  target: Target,
  dialect: Dialect,
  healed?: Healed,
): Emulation | undefined {
  const { output, ...bare } = request;
  const { tools, messages } = bare;
  if (output?.kind !== 'json-schema' && output?.kind !== 'json') return undefined;
  const beside = tools.length > 0 && target.parameters.has('tools') && (dialect.formOrTools?.(target) ?? false);
  const enforced = output.kind === 'json' || target.parameters.has('structured_outputs');
  if (!beside && (enforced || !target.parameters.has('response_format'))) return undefined;
  return {
    request: { ...bare, ...(!beside && { output: { kind: 'json' } }), messages: told(messages, inWords(output)) },
    // Bare JSON has no form that could be missed: it is passed on as it comes.
    ...(output.kind === 'json-schema' && { check: checkOf(output.schema, healed) }),
    dropped: { pointer: '/response_format', reason: 'adapted' },
  };
}

function inWords(output: Form): string {
  if (output.kind === 'json') return 'Answer with one JSON object and nothing else.';
  const { name, description, schema } = output;
  const about = description === undefined ? '' : ` (${description})`;
  return `Answer with one JSON value and nothing else. It must conform to this JSON Schema, "${name}"${about}:\n${JSON.stringify(schema)}`;
}

/** Behind the first instructions, or what the user says first: places of messages stay what they are in the caller's request. */
function told(messages: readonly Message[], words: string): readonly Message[] {
  const [first] = messages;
  const instructed = first?.role === 'system' || first?.role === 'developer';
  const at = instructed ? 0 : messages.findIndex(({ role }) => role === 'user');
  const hint = { kind: 'text', text: `\n\n${words}` } as const;
  const message = messages[at];
  if (!message) return [...messages, { role: 'user', parts: [hint] }];
  return messages.with(at, { ...message, parts: [...message.parts, hint] });
}

const DRAFTS: readonly (readonly [RegExp, SchemaDraft])[] = [
  [/draft-0?4/, '4'],
  [/draft-0?7/, '7'],
  [/2019-09/, '2019-09'],
];

function checkOf(schema: SchemaForm['schema'], healed: Healed): Check {
  const named = typeof schema.$schema === 'string' ? schema.$schema : '';
  const draft = DRAFTS.find(([pattern]) => pattern.test(named))?.[1] ?? '2020-12';
  const safe = withoutSlowPatterns(schema);
  return (events) => {
    const { blocks, finish } = collect(events);
    // An answer that was cut off, refused or a call of a tool does not claim to be the value.
    if (finish !== 'stop' || blocks.some(({ block }) => block.kind === 'refusal')) return undefined;
    const text = blocks.flatMap((block) => (block.block.kind === 'text' ? [block.text] : [])).join('');
    let value: unknown;
    try {
      value = JSON.parse((healed && mend(text, healed)) ?? text);
    } catch {
      return 'it is no JSON';
    }
    try {
      const { valid, errors } = new Validator(safe as Schema, draft, true).validate(value);
      const worst = errors.at(-1);
      return valid ? undefined : `${worst?.instanceLocation ?? '#'}: ${worst?.error ?? 'does not conform'}`;
    } catch (error) {
      return `the schema cannot be applied: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
}

/** Expressions that may take time out of proportion to their text are not tried: one caller must not hold up all others. */
function withoutSlowPatterns(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSlowPatterns);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'pattern' && typeof inner === 'string' && mayBeSlow(inner)) return [];
    if (key !== 'patternProperties' || typeof inner !== 'object' || inner === null)
      return [[key, withoutSlowPatterns(inner)]];
    return [[key, Object.fromEntries(Object.entries(inner).filter(([pattern]) => !mayBeSlow(pattern)))]];
  });
  return Object.fromEntries(kept);
}

/** A repeated group that repeats or chooses inside, a group that is referred to, or more than two open repetitions. */
function mayBeSlow(pattern: string): boolean {
  const plain = pattern.replace(/\\[^1-9k]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\\[1-9k]/.test(plain) || (plain.match(/[*+]|,\}/g)?.length ?? 0) > 2) return true;
  const varied: boolean[] = [];
  for (let i = 0; i < plain.length; i++) {
    const character = plain[i] ?? '';
    const repeats = /[*+{]/.test(character);
    if (character === '(') varied.push(false);
    else if (character === ')' && varied.pop()) {
      if (/[*+{]/.test(plain[i + 1] ?? '')) return true;
      if (varied.length > 0) varied[varied.length - 1] = true;
    } else if ((repeats || character === '|') && varied.length > 0) varied[varied.length - 1] = true;
  }
  return false;
}
