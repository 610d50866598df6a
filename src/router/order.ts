import type { Preferences } from '../canon/preferences.ts';
import type { Rates } from '../catalogue/rates.ts';
import type { Host } from '../catalogue/snapshot.ts';
import type { Endpoint, Model } from '../catalogue/types.ts';
import type { Candidate, Rejection } from './candidate.ts';
import { blendedPrice, draw } from './draw.ts';
import { means } from './slugs.ts';
import { figureOf, type Sort, saidOf, sortOf } from './sort.ts';
import type { Standing } from './standing.ts';
import { cutoffsOf, type Met, met } from './thresholds.ts';

/**
 * The order in which hosts are tried (spec/inference 5.2, 5.3, 5.5), in layers: hosts that the caller lists, the host of the
 * conversation, and then everybody else by health, thresholds, class, sort and, where no sort is asked for, the draw.
 */

/** The hosts of one model that no constraint rejected. */
export interface Field {
  readonly model: Model;
  readonly hosts: readonly Host[];
}

/** Hosts in classes that are tried one after the other; within a class the layers below decide. */
export interface Classes {
  /** Less is earlier. */
  rankOf(host: Host): number;
  /** Why a host of this rank stands there, in words that follow a comma; undefined where that needs no word. */
  says(rank: number): string | undefined;
}

export interface OrderInput {
  /** More than one only where the hosts of all models are sorted together. */
  readonly fields: readonly Field[];
  readonly preferences: Preferences;
  /** What the variant of the slug asks for, unless the request says otherwise. */
  readonly variantSort?: Sort | undefined;
  /** What the operator asks for, where neither does. */
  readonly standardSort?: Sort | undefined;
  /** The endpoint that has this conversation in its cache. */
  readonly sticky?: string | undefined;
  /** Service tiers: above every sort. */
  readonly tiers?: Classes | undefined;
  /** How well hosts call tools: below a sort by a figure, which switches it off. */
  readonly exacto?: Classes | undefined;
  /** What a host takes for this request. */
  readonly rates: (endpoint: Endpoint) => Rates;
  readonly standing: (endpointId: string) => Standing;
  readonly seed: number;
}

interface Ordered {
  readonly candidates: readonly Candidate[];
  readonly rejected: readonly Rejection[];
}

/** A host with everything that the layers compare. */
interface Entrant {
  readonly host: Host;
  readonly model: Model;
  readonly price: number;
  readonly standing: Standing;
  readonly band: Band;
  readonly met: Met;
  readonly tier: number;
  readonly exacto: number;
  readonly figure: number | undefined;
  /** Its place in the caller's list; 0 for the host of the conversation; -1 for all others. */
  pin: number;
  chance: number | undefined;
  reason: string;
}

/** Less is earlier. The last two are asked only because nobody else is left. */
const BANDS = { normal: 0, degraded: 1, down: 2, outage: 3, resting: 4 } as const;
type Band = (typeof BANDS)[keyof typeof BANDS];

const bandOf = ({ resting, outage, uptime }: Standing): Band => {
  if (resting !== undefined) return BANDS.resting;
  return outage ? BANDS.outage : BANDS[uptime];
};

export function orderCandidates(input: OrderInput): Ordered {
  const { fields, preferences } = input;
  const [field] = fields;
  const only = field?.hosts[0];
  if (field && only && fields.length === 1 && field.hosts.length === 1 && !preferences.order)
    return { candidates: [alone(only, field.model, input)], rejected: [] };
  const entrants = enter(input);
  const listed = preferences.order?.length ? pinListed(entrants, preferences.order) : pinSticky(entrants, input.sticky);
  const others = listed.length === 0 ? entrants : entrants.filter(({ pin }) => pin < 0);
  arrange(others, input);
  const all = listed.length === 0 ? others : joined(listed, others);
  return preferences.allow_fallbacks === false
    ? withoutFallbacks(all, input)
    : { candidates: all.map(candidateOf), rejected: [] };
}

function alone(host: Host, model: Model, { rates, standing }: OrderInput): Candidate {
  const { endpoint, provider } = host;
  const price = blendedPrice(rates(endpoint));
  return { endpoint, provider, model, reason: 'the only host', price, standing: standing(endpoint.id) };
}

function candidateOf({ host, model, reason, price, standing, chance, pin }: Entrant): Candidate {
  const { endpoint, provider } = host;
  const candidate = { endpoint, provider, model, reason, price, standing };
  if (pin >= 0) return { ...candidate, pinned: true };
  return chance === undefined ? candidate : { ...candidate, chance };
}

/** Every host with what is compared, each looked at once. */
function enter({
  fields,
  preferences,
  variantSort,
  standardSort,
  rates,
  standing,
  tiers,
  exacto,
}: OrderInput): Entrant[] {
  const sort = sortOf(preferences, variantSort, standardSort);
  const cutoffs = cutoffsOf(preferences);
  const classes = sort === undefined || sort === 'exacto' ? exacto : undefined;
  const entrants: Entrant[] = [];
  for (const { model, hosts } of fields) {
    for (const host of hosts) {
      const known = standing(host.endpoint.id);
      const price = blendedPrice(rates(host.endpoint));
      entrants.push({
        host,
        model,
        price,
        standing: known,
        band: bandOf(known),
        met: cutoffs ? met(cutoffs, known) : 0,
        tier: tiers ? tiers.rankOf(host) : 0,
        exacto: classes ? classes.rankOf(host) : 0,
        figure: figureOf(sort, price, known),
        pin: -1,
        chance: undefined,
        reason: '',
      });
    }
  }
  return entrants;
}

/** The hosts that the caller names, in the order of the list. */
function pinListed(entrants: readonly Entrant[], order: readonly string[]): Entrant[] {
  const listed: Entrant[] = [];
  for (const slug of order) {
    for (const entrant of entrants) {
      if (entrant.pin >= 0 || !means(slug, entrant.host)) continue;
      entrant.pin = listed.length;
      entrant.reason = 'named in provider.order';
      listed.push(entrant);
    }
  }
  return listed;
}

/** The host of the conversation, unless it is in trouble: then it is one of many. */
function pinSticky(entrants: readonly Entrant[], sticky: string | undefined): Entrant[] {
  const entrant = sticky === undefined ? undefined : entrants.find(({ host }) => host.endpoint.id === sticky);
  if (!entrant || entrant.band > BANDS.degraded) return [];
  entrant.pin = 0;
  entrant.reason = 'sticky: served this conversation before';
  return [entrant];
}

/** Pinned hosts first, but resting ones after everybody else. */
function joined(pinned: readonly Entrant[], others: readonly Entrant[]): readonly Entrant[] {
  if (!pinned.some(({ band }) => band === BANDS.resting)) return [...pinned, ...others];
  const all = [...pinned, ...others];
  const rests = ({ band }: Entrant): boolean => band === BANDS.resting;
  for (const one of pinned) if (rests(one)) one.reason += behind(one);
  return [...all.filter((one) => !rests(one)), ...all.filter(rests)];
}

/** Everybody else, in place: by what comes before any sort, then by the sort, then by price. */
function arrange(entrants: Entrant[], input: OrderInput): void {
  entrants.sort(earlier);
  const { preferences, tiers, exacto } = input;
  const sort = sortOf(preferences, input.variantSort, input.standardSort);
  const ordered = preferences.order !== undefined && preferences.order.length > 0;
  const by = sort !== undefined && sort !== 'exacto' ? sort : undefined;
  for (const entrant of entrants) {
    const why = by ? saidOf(by, entrant.standing) : ordered ? 'after provider.order, by price' : 'next by price';
    entrant.reason =
      why +
      behind(entrant) +
      (tiers ? said(tiers, entrant.tier) : '') +
      (exacto && !by ? said(exacto, entrant.exacto) : '');
  }
  // An order or a figure to sort by switches the draw off; where nobody has been measured yet, there is none to sort by.
  const [first] = entrants;
  if (first && !ordered && first.figure === undefined) drawFirst(entrants, first, input);
}

/** One host of the best class is drawn to be the first; the others stay as they are. */
function drawFirst(entrants: Entrant[], best: Entrant, { seed, preferences }: OrderInput): void {
  // A trial needs somebody to follow where it fails.
  const trial =
    entrants.length > 1 && preferences.allow_fallbacks !== false
      ? entrants.findIndex((one) => one.standing.trial && classed(one, best) === 0)
      : -1;
  if (trial >= 0) {
    const [host] = entrants.splice(trial, 1) as [Entrant];
    entrants.unshift(host);
    host.reason = 'on trial after its breaker was open';
    return;
  }
  let count = 1;
  while (
    count < entrants.length &&
    level(entrants[count] as Entrant, best) === 0 &&
    entrants[count]?.figure === undefined
  )
    count++;
  const { index, chance } = draw(entrants, count, seed);
  const first = entrants[index] as Entrant;
  for (let i = index; i > 0; i--) entrants[i] = entrants[i - 1] as Entrant;
  entrants[0] = first;
  if (count > 1) {
    first.chance = chance;
    first.reason = `drawn by price, chance ${Math.round(chance * 100)} %`;
  } else first.reason = entrants.length === 1 ? 'the only host' : `the only host of the best standing`;
}

/** By everything that goes before a sort. */
const level = (a: Entrant, b: Entrant): number => a.band - b.band || classed(a, b);

/** By everything that goes before a sort, but for how well they are. */
const classed = (a: Entrant, b: Entrant): number => a.met - b.met || a.tier - b.tier || a.exacto - b.exacto;

function earlier(a: Entrant, b: Entrant): number {
  return (
    level(a, b) ||
    byFigure(a.figure, b.figure) ||
    a.price - b.price ||
    (a.host.endpoint.id < b.host.endpoint.id ? -1 : 1)
  );
}

function byFigure(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  return b === undefined ? -1 : a - b;
}

const BEHIND = [
  '',
  ', behind for a degraded uptime',
  ', last for an uptime below 80 %',
  ', behind for a recent outage',
  ', last',
];
const MISSES = ['', ', not measured by a threshold yet', ', misses a threshold'];
const RESTS = {
  breaker: ' while its breaker is open',
  cooldown: ' while it cools down',
  credential: ' while its key is not taken',
  ejected: ' while it does worse than the others',
};

/** What puts a host behind others, in words. */
function behind({ band, met, standing }: Entrant): string {
  const rest = standing.resting === undefined ? '' : RESTS[standing.resting];
  return `${MISSES[met]}${BEHIND[band]}${rest}`;
}

function said(classes: Classes, rank: number): string {
  const words = classes.says(rank);
  return words === undefined ? '' : `, ${words}`;
}

/** With an order only the listed hosts; without one only the first of each model: other models are no other hosts. */
function withoutFallbacks(all: readonly Entrant[], { preferences, fields }: OrderInput): Ordered {
  const candidates: Candidate[] = [];
  const rejected: Rejection[] = [];
  const served = new Set<Model>();
  const ordered = preferences.order !== undefined && preferences.order.length > 0;
  for (const entrant of all) {
    if (ordered ? entrant.pin >= 0 : !served.has(entrant.model)) candidates.push(candidateOf(entrant));
    else {
      const { endpoint, provider } = entrant.host;
      rejected.push({ endpoint, provider, rule: 'allow_fallbacks', reason: 'allow_fallbacks is false' });
    }
    if (served.size < fields.length) served.add(entrant.model);
  }
  return { candidates, rejected };
}

/**
 * Hosts of a fallback model that meet the thresholds go before hosts that do not, whatever their model; whom the caller listed and the
 * host of the conversation stay where they are.
 */
export function promoteMet(candidates: readonly Candidate[], preferences: Preferences): readonly Candidate[] {
  const cutoffs = cutoffsOf(preferences);
  const [head] = candidates;
  if (!cutoffs || !head) return candidates;
  const meets = ({ standing }: Candidate): boolean =>
    bandOf(standing) <= BANDS.degraded && met(cutoffs, standing) === 0;
  const pinned = candidates.filter((one) => one.pinned && one.model === head.model);
  const others = candidates.filter((one) => !pinned.includes(one));
  const late = others.findIndex((one) => !meets(one));
  const promoted = others.filter(meets);
  return [
    ...pinned,
    ...promoted.map((one, at) =>
      late >= 0 && at >= late ? { ...one, reason: `${one.reason}, meets the thresholds` } : one,
    ),
    ...others.filter((one) => !meets(one)),
  ];
}
