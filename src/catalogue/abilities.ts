import { ALL_PARAMETERS, type Parameter, type ParameterSet, parameterSet } from '../canon/parameters.ts';
import { NO_TRAITS, type Trait } from '../canon/target.ts';
import type { Endpoint, Provider, TraitRule } from './types.ts';

/** What an endpoint takes and does, after everything that is known of its host and of models of its kind. */
export interface Abilities {
  readonly parameters: ParameterSet;
  /** Parameters that are taken as well while the model does not think. */
  readonly unthinkingParameters: ParameterSet;
  readonly traits: ReadonlySet<Trait>;
  readonly quirks: ReadonlySet<string>;
  readonly efforts?: readonly string[];
  readonly effortWords?: Readonly<Record<string, string>>;
  readonly serviceTiers?: Readonly<Record<string, string>>;
  readonly tokenFactor: number;
}

/** Of a family that nobody has measured. */
const TOKEN_FACTOR_UNKNOWN = 1.1;

/** The rules of a catalogue, and which of them hold where. */
export class TraitRules {
  readonly #rules: readonly (readonly [TraitRule, RegExp])[];

  constructor(rules: readonly TraitRule[]) {
    this.#rules = rules.map((rule) => [rule, new RegExp(rule.models)]);
  }

  /** @param names what the model is called, by us or by its provider */
  for(provider: string, names: readonly string[]): readonly TraitRule[] {
    const plain = names.map((name) => name.toLowerCase().replaceAll('.', '-'));
    return this.#rules.flatMap(([rule, pattern]) => {
      const here = rule.providers?.includes(provider) ?? true;
      return here && plain.some((name) => pattern.test(name)) ? [rule] : [];
    });
  }
}

/**
 * Later rules win over earlier ones, rules over the host's row, and what an operator has written of their own installation over all.
 * @param provider undefined where nobody serves it
 */
export function abilitiesOf(
  endpoint: Endpoint,
  provider: Provider | undefined,
  rules: readonly TraitRule[],
): Abilities {
  const { efforts, serviceTiers } = provider ?? {};
  const refused = endpoint.parameters === 'all' ? (provider?.refusedParameters ?? []) : [];
  const listed = endpoint.parameters === 'all' ? ALL_PARAMETERS : parameterSet(endpoint.parameters).known;
  const parameters = new Set(listed);
  for (const parameter of parameterSet(refused).known) parameters.delete(parameter);
  const unthinking = new Set<Parameter>();
  const quirks = new Set(provider?.quirks);
  // Who takes no parameters at all writes no text.
  const open = listed.size > 0;
  for (const rule of rules) {
    if (open) {
      change(parameters, rule.adds, rule.refuses);
      change(unthinking, rule.unthinking ?? [], []);
    }
    if (!provider?.ownQuirks) change(quirks, rule.quirks?.add ?? [], rule.quirks?.remove ?? []);
  }
  const last = <K extends 'efforts' | 'effortWords' | 'tokenFactor'>(key: K): TraitRule[K] | undefined =>
    rules.findLast((rule) => rule[key] !== undefined)?.[key];
  const levels = last('efforts') ?? efforts;
  const words = last('effortWords');
  const tiers = Object.assign({}, serviceTiers, ...rules.map((rule) => rule.serviceTiers));
  return {
    parameters,
    unthinkingParameters: unthinking,
    traits: rules.length === 0 ? NO_TRAITS : new Set(rules.flatMap(({ traits }) => traits)),
    quirks,
    tokenFactor: last('tokenFactor') ?? TOKEN_FACTOR_UNKNOWN,
    ...(levels && { efforts: levels }),
    ...(words && { effortWords: words }),
    ...(Object.keys(tiers).length > 0 && { serviceTiers: tiers }),
  };
}

function change<T>(set: Set<T>, add: readonly T[], remove: readonly T[]): void {
  for (const one of remove) set.delete(one);
  for (const one of add) set.add(one);
}
