import { compare } from './compare.ts';
import type { ConflictClass, Fact, Observation, Source } from './types.ts';
import { moreThanFold, unitSuspicion } from './unit-guard.ts';

/** The rules that choose among observations, in their order (spec/reference-site A4). There is none that averages. */
export const RULES = {
  'only-word': 'Every source that says anything says this.',
  'same-thing':
    'The other figures speak of something else: another meaning of an alias, another region, another model.',
  'unit-guard': 'The other figure is off by a unit or a currency and is held back.',
  'closest-to-invoice': 'The source closest to the invoice says this.',
  'second-look': 'A later figure is more than five times off, or moves to or from zero; it waits for a second look.',
  'later-look': 'Equally close sources differ, and this one is known to have held later.',
  unsettled: 'Equally close sources differ on the same day; shown as disputed.',
} as const satisfies Record<string, string>;

type Rule = keyof typeof RULES;

export interface ResolveContext {
  readonly sources: ReadonlyMap<string, Source>;
  /** True for prices of a router, which move with the hosts behind it. */
  readonly routed: boolean;
  /** Sources that look again and again: what stands in a copy of them was seen more than once. */
  readonly repeated: ReadonlySet<string>;
}

type Group = readonly [Observation, ...Observation[]];

interface Choice {
  readonly chosen: Observation;
  readonly rule: Rule;
  /** Why a figure lost, where the rule knows. */
  readonly classes?: ReadonlyMap<Observation, ConflictClass>;
  /** Figures that wait for a second look. */
  readonly waiting?: readonly Observation[];
}

interface Decision {
  readonly fact: Fact;
  readonly waiting: readonly Observation[];
}

const SECOND_LOOK_FOLD = 5n;

/** The fact that all observations of one field of one subject come to. Undefined where there are none. */
export function resolve(observations: readonly Observation[], context: ResolveContext): Fact | undefined {
  return decide(observations, context, [])?.fact;
}

/** All facts of many subjects; subjects and fields in alphabetical order. */
export function resolveAll(
  observations: readonly Observation[],
  contextOf: (subject: string) => ResolveContext,
): Record<string, Record<string, Fact>> {
  const subjects = [...grouped(observations, (o) => o.subject)];
  return Object.fromEntries(subjects.map(([subject, said]) => [subject, resolveSubject(said, contextOf(subject))]));
}

/** A price list is taken or held as a whole: input by one source and output by another would be a price that nobody charges. */
function resolveSubject(observations: readonly Observation[], context: ResolveContext): Record<string, Fact> {
  const fields = [...grouped(observations, (o) => o.field)];
  const decideAll = (held: readonly Observation[]): [string, Decision][] =>
    fields.flatMap(([field, said]): [string, Decision][] => {
      const decision = decide(said, context, isPrice(field) ? held : []);
      return decision ? [[field, decision]] : [];
    });
  const first = decideAll([]);
  const waiting = first.flatMap(([, decision]) => decision.waiting);
  const final =
    waiting.length === 0
      ? first
      : decideAll(observations.filter((o) => isPrice(o.field) && waiting.some((w) => sameLook(o, w))));
  return Object.fromEntries(final.map(([field, { fact }]) => [field, fact]));
}

function decide(
  observations: readonly Observation[],
  context: ResolveContext,
  held: readonly Observation[],
): Decision | undefined {
  const said = observations.filter((o) => o.conflict === undefined && o.state !== 'not_sourced');
  const claims = said.filter((o) => !held.includes(o));
  const [lead, ...rest] = claims.toSorted(byWeight(context));
  if (!lead) return unanswered(observations, said, context);
  const apart = observations.filter((o) => o.conflict !== undefined);
  const choice = choose([lead, ...rest], apart, context);
  const waited = said.some((o) => held.includes(o) && !sameValue(o, choice.chosen));
  return {
    fact: factOf(waited ? { ...choice, rule: 'second-look' } : choice, observations, context),
    waiting: choice.waiting ?? [],
  };
}

function choose(claims: Group, apart: readonly Observation[], context: ResolveContext): Choice {
  const groups = [...grouped(claims, valueKey).values()];
  const [chosen] = claims;
  if (groups.length === 1)
    return { chosen, rule: apart.every((o) => sameValue(o, chosen)) ? 'only-word' : 'same-thing' };
  return guardUnits(groups, context) ?? closestToInvoice(groups, context);
}

/** Rule 2. Of two figures that differ by a unit the one farther from the invoice is held back; of equally close ones the lonelier. */
function guardUnits(groups: readonly Group[], context: ResolveContext): Choice | undefined {
  const classes = new Map<Observation, ConflictClass>();
  for (const group of groups) {
    for (const other of groups) {
      const suspicion = unitSuspicion(amountOf(group[0]), amountOf(other[0]));
      if (suspicion && weaker(group, other, context))
        for (const observation of group) classes.set(observation, suspicion);
    }
  }
  const left = groups.filter((group) => !classes.has(group[0]));
  const [only] = left;
  if (!only || left.length === groups.length) return undefined;
  return left.length === 1
    ? { chosen: only[0], rule: 'unit-guard', classes }
    : { ...closestToInvoice(left, context), classes };
}

function weaker(group: Group, other: Group, context: ResolveContext): boolean {
  const [a, b] = [rankOf(group[0], context), rankOf(other[0], context)];
  return a === b ? witnesses(group, context) < witnesses(other, context) : a > b;
}

/** Rule 3, and after it rules 4, 7 and 8 among those who are equally close. */
function closestToInvoice(groups: readonly Group[], context: ResolveContext): Choice {
  const best = Math.min(...groups.map((group) => rankOf(group[0], context)));
  const [only, ...others] = groups
    .filter((group) => rankOf(group[0], context) === best)
    .toSorted((a, b) => later(a[0], b[0]));
  if (!only) throw new Error('no observation to choose from');
  return others[0] ? laterLook(only, others[0], context) : { chosen: only[0], rule: 'closest-to-invoice' };
}

function laterLook(latest: Group, before: Group, { repeated }: ResolveContext): Choice {
  if (heldOn(latest[0]) === heldOn(before[0])) return { chosen: latest[0], rule: 'unsettled' };
  const seenOnce = latest.length === 1 && !repeated.has(latest[0].source);
  if (seenOnce && moreThanFold(SECOND_LOOK_FOLD, amountOf(latest[0]), amountOf(before[0]))) {
    return { chosen: before[0], rule: 'second-look', waiting: latest };
  }
  return { chosen: latest[0], rule: 'later-look' };
}

function factOf(
  { chosen, rule, classes }: Choice,
  observations: readonly Observation[],
  context: ResolveContext,
): Fact {
  const others = observations.filter((o) => o !== chosen).toSorted(order);
  return {
    value: chosen.value,
    state: rule === 'unsettled' ? 'disputed' : chosen.state,
    source: chosen.source,
    checked: chosen.checked,
    rule,
    ...(chosen.note === undefined ? {} : { note: chosen.note }),
    supports: supportsOf(others.filter((o) => sameValue(o, chosen))),
    dissents: others
      .filter((o) => !sameValue(o, chosen))
      .map((o) => dissent(o, o.conflict ?? classes?.get(o) ?? classify(o, chosen, context))),
  };
}

/** Nothing but blanks, nothing that speaks of this subject, or nothing but what waits for a second look. */
function unanswered(
  observations: readonly Observation[],
  held: readonly Observation[],
  context: ResolveContext,
): Decision | undefined {
  const sorted = observations.toSorted(byWeight(context));
  const blank = sorted.find((o) => o.conflict === undefined && o.state === 'not_sourced');
  const lead = blank ?? sorted[0];
  if (!lead) return undefined;
  const fact: Fact = {
    value: null,
    state: 'not_sourced',
    source: lead.source,
    checked: lead.checked,
    rule: blank ? 'only-word' : held.length > 0 ? 'second-look' : 'same-thing',
    ...(blank?.note === undefined ? {} : { note: blank.note }),
    supports: [],
    dissents: sorted.filter((o) => o.state !== 'not_sourced').map((o) => dissent(o, o.conflict ?? 'unknown')),
  };
  return { fact, waiting: [] };
}

/** Why two figures differ, as far as the figures themselves tell (spec/reference-site A4, conflict classes). */
export function classify(loser: Observation, chosen: Observation, { routed }: ResolveContext): ConflictClass {
  if (
    typeof loser.value === 'number' &&
    typeof chosen.value === 'number' &&
    decimalAndBinary(loser.value, chosen.value)
  ) {
    return 'decimal_vs_binary';
  }
  if (isPrice(loser.field) && routed) return 'route_price_moved';
  return heldOn(loser) < heldOn(chosen) ? 'stale' : 'unknown';
}

/** 256,000 and 262,144: the same count of thousands, once decimal and once binary. */
export function decimalAndBinary(a: number, b: number): boolean {
  const [small, large] = a < b ? [a, b] : [b, a];
  if (small <= 0) return false;
  return [1_000, 1_000_000].some(
    (decimal, power) => small % decimal === 0 && large === (small / decimal) * 1_024 ** (power + 1),
  );
}

const isPrice = (field: string): boolean => field.startsWith('price.');

const amountOf = (o: Observation): string => (isPrice(o.field) && typeof o.value === 'string' ? o.value : '');

const rankOf = (o: Observation, { sources }: ResolveContext): number => sources.get(o.source)?.rank ?? 5;

/** The last day a figure is known to have held: a later look at an older assertion is no later word (rule 4). */
const heldOn = ({ asserted, checked }: Observation): string => asserted ?? checked;

const sameLook = (a: Observation, b: Observation): boolean => a.source === b.source && a.checked === b.checked;

const sameValue = (a: Observation, b: Observation): boolean => valueKey(a) === valueKey(b);

const valueKey = ({ value, state }: Observation): string => `${state} ${JSON.stringify(value)}`;

/** Witnesses that do not copy each other; a copy counts with its original (REF-017). */
function witnesses(group: Group, { sources }: ResolveContext): number {
  const names = new Set(group.map((o) => o.source));
  return [...names].filter((name) => !sources.get(name)?.lineage.some((original) => names.has(original))).length;
}

const byWeight =
  (context: ResolveContext) =>
  (a: Observation, b: Observation): number =>
    rankOf(a, context) - rankOf(b, context) || later(a, b);

const later = (a: Observation, b: Observation): number => compare(heldOn(b), heldOn(a)) || order(a, b);

/** A total order without meaning, so that the same evidence in any order gives the same fact. */
function order(a: Observation, b: Observation): number {
  return (
    compare(a.source, b.source) ||
    compare(b.checked, a.checked) ||
    compare(valueKey(a), valueKey(b)) ||
    compare(a.note ?? '', b.note ?? '') ||
    compare(a.conflict ?? '', b.conflict ?? '') ||
    compare(a.asserted ?? '', b.asserted ?? '')
  );
}

/** Groups by key, keys in alphabetical order, members in the order they came. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return new Map([...groups].toSorted(([a], [b]) => compare(a, b)));
}

function supportsOf(observations: readonly Observation[]): Fact['supports'] {
  const looks = new Map(
    observations.map((o) => [`${o.source} ${o.checked}`, { source: o.source, checked: o.checked }]),
  );
  return [...looks.values()];
}

function dissent(o: Observation, conflict: ConflictClass): Fact['dissents'][number] {
  return {
    value: o.value,
    state: o.state,
    source: o.source,
    checked: o.checked,
    conflict,
    ...(o.note === undefined ? {} : { note: o.note }),
  };
}
