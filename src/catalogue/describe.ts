import type { Feature } from './authored-schema.ts';
import type { Model } from './types.ts';

export interface Described
  extends Pick<Model, 'name' | 'family' | 'contextLength' | 'inputModalities' | 'outputModalities' | 'openWeights'> {
  readonly labName: string;
  /** `YYYY-MM-DD` or `YYYY-MM`. */
  readonly released?: string;
  /** Undefined where nobody has said what it can do: then nothing is said here either. */
  readonly features?: readonly Feature[];
  /** The name of the model that this is a variant of, and the variant. */
  readonly variantOf?: { readonly name: string; readonly variant: string };
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

const VARIANTS: Readonly<Record<string, string>> = {
  free: 'the variant of $ that costs nothing, with tighter limits',
  thinking: 'the variant of $ that thinks before it answers',
  extended: 'the variant of $ with longer answers',
};

const ABILITIES: { readonly [F in Feature]?: string } = {
  tools: 'call tools',
  structured_outputs: 'follow a JSON schema',
  reasoning: 'think before it answers',
};

const WORDS_MAX = 60;

/** Two or three plain sentences from the facts, for models that nobody has written about. */
export function describe(model: Described): string {
  const sentences = [introduction(model), handling(model), abilities(model.features)].filter(
    (sentence) => sentence !== '',
  );
  while (sentences.length > 1 && sentences.join(' ').split(' ').length > WORDS_MAX) sentences.pop();
  return sentences.join(' ');
}

function introduction({ name, family, labName, released, variantOf, openWeights }: Described): string {
  const variant = variantOf && VARIANTS[variantOf.variant];
  if (variantOf && variant) return `${name} is ${variant.replace('$', variantOf.name)}.`;
  const kind = openWeights === true ? 'an open-weight model' : 'a model';
  const line = family !== undefined && !name.startsWith(family) ? ` of the ${family} family` : '';
  return `${name} is ${kind}${line} by ${labName}${released === undefined ? '' : `, released in ${monthOf(released)}`}.`;
}

function monthOf(day: string): string {
  const [year = '', month = '1'] = day.split('-');
  return `${MONTHS[Number(month) - 1] ?? ''} ${year}`;
}

function handling({ inputModalities, outputModalities, contextLength }: Described): string {
  const reads = `It takes ${listed(inputModalities)} and gives ${listed(outputModalities)}`;
  return contextLength === undefined
    ? `${reads}.`
    : `${reads}, within a context of ${contextLength.toLocaleString('en-US')} tokens.`;
}

function abilities(features: readonly Feature[] | undefined): string {
  const known = (features ?? []).flatMap((feature) => ABILITIES[feature] ?? []);
  return known.length === 0 ? '' : `It can ${listed(known)}.`;
}

function listed(items: readonly string[]): string {
  const names = items.map((item) => (item === 'file' ? 'files' : item === 'image' ? 'images' : item));
  return names.length < 2 ? (names[0] ?? 'text') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
