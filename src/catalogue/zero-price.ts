import type { Observed } from './row.ts';
import type { Provider, State } from './types.ts';

export interface ZeroMeaning {
  /** What a printed 0/0 means at this provider, where its row says so. */
  readonly stated?: State;
  readonly kind: Provider['kind'];
  readonly model: string;
  /** Who states it: the witness for rows that print no price at all. */
  readonly origin: { readonly source: string; readonly checked: string };
}

/**
 * What it means that a list prints 0 for input and output (spec/reference-site A2). Free only where the id says so: elsewhere zeros
 * hide trials, subscriptions, or prices that stand in another column.
 */
export function zeroMeaning({ stated, kind, model }: Omit<ZeroMeaning, 'origin'>): State {
  if (model.endsWith(':free')) return 'free';
  if (stated !== undefined) return stated;
  if (kind === 'plan') return 'plan_included';
  return kind === 'local' ? 'local' : 'not_sourced';
}

const isZero = (o: Observed | undefined): boolean => o !== undefined && o.value === '0';

/** A row's prices with the zeros put into words; a row with any other price keeps its zeros as listed prices. */
export function withZerosNamed(observed: readonly Observed[], meaning: ZeroMeaning): readonly Observed[] {
  const prices = observed.filter((o) => o.field.startsWith('price.') && typeof o.value === 'string');
  const zeros = prices.filter(isZero);
  const state = zeroMeaning(meaning);
  if (prices.length === 0) {
    const known = observed.some((o) => o.field.startsWith('price.') && o.state !== undefined && o.state !== 'listed');
    const silent =
      known || (state !== 'free' && state !== 'local' && meaning.stated === undefined && meaning.kind !== 'plan');
    if (silent) return observed;
    const origin = state === 'free' ? {} : meaning.origin;
    return [...observed, ...named(['price.input', 'price.output'], state).map((o) => ({ ...o, ...origin }))];
  }
  if (zeros.length < prices.length) return observed;
  const rest = observed.filter((o) => !zeros.includes(o));
  return [
    ...rest,
    ...named(
      zeros.map((o) => o.field),
      state,
      '0 in the list',
    ),
  ];
}

function named(fields: readonly string[], state: State, note?: string): readonly Observed[] {
  const said = note === undefined ? {} : { note };
  return fields.map((field) =>
    state === 'free' ? { field, value: '0', state } : { field, value: null, state, ...said },
  );
}
