import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import { count, usd } from './format.ts';
import { type Host, priceFigure, type Sheets } from './view.ts';

export interface Question {
  /** Stable, and the fact the answer rests on. */
  readonly id: string;
  readonly question: string;
  readonly answer: string;
}

/** Only questions that the facts at hand can answer (REF-052). */
export function questions(
  sheets: Sheets,
  model: Model,
  provider: Provider,
  endpoint: Endpoint,
  hosts: readonly Host[],
): readonly Question[] {
  const asked: Question[] = [];
  const add = (id: string, question: string, answer: string | undefined): void => {
    if (answer !== undefined) asked.push({ id, question, answer });
  };
  const input = priceFigure(sheets, endpoint, 'input');
  const output = priceFigure(sheets, endpoint, 'output');
  const here = `${model.name} on ${provider.name}`;
  add(
    'price.input',
    `What does ${here} cost?`,
    input.text !== '' && output.text !== ''
      ? `${input.text} per million input tokens and ${output.text} per million output tokens.`
      : endpoint.priceState === 'trial_quota'
        ? 'Nothing per token within a capped trial.'
        : undefined,
  );
  const context = sheets.fact(`endpoint:${endpoint.id}`, 'context_length');
  add(
    'context_length',
    `How large is the context of ${here}?`,
    typeof context?.value === 'number' ? `${count(context.value)} tokens, prompt and answer together.` : undefined,
  );
  const priced = hosts.filter((host) => host.endpoint.priceState === 'listed');
  const [cheapest] = priced;
  add(
    'hosts',
    `Which provider of ${model.name} is the cheapest?`,
    priced.length > 1 && cheapest
      ? `${cheapest.provider.name}, at ${priceFigure(sheets, cheapest.endpoint, 'input').text} per million input tokens, among ${priced.length} with a price per token.`
      : undefined,
  );
  add(
    'upstream_model',
    `Which model id do I use on ${provider.name}?`,
    `${endpoint.upstreamModel}, or ${model.id} through this gateway.`,
  );
  const family = model.family === undefined ? '' : ` as part of the ${model.family} family`;
  const lab = sheets.fact(`lab:${model.lab}`, 'name')?.value;
  add('lab', `Who made ${model.name}?`, typeof lab === 'string' ? `${lab}${family}.` : undefined);
  add(
    'licence',
    `Is ${model.name} open?`,
    model.licence === undefined ? undefined : `Its weights are published under ${model.licence}.`,
  );
  add(
    'knowledge_cutoff',
    `How recent is what ${model.name} knows?`,
    model.knowledgeCutoff === undefined ? undefined : `Its training data end in ${model.knowledgeCutoff}.`,
  );
  const cache = priceFigure(sheets, endpoint, 'cache-read');
  add(
    'price.cache-read',
    `Does ${provider.name} charge less for cached input?`,
    cache.text === '' || typeof cache.fact?.value !== 'string'
      ? undefined
      : `Yes: ${usd(cache.fact.value)} per million cached tokens.`,
  );
  return asked;
}

/** Traps, each shown exactly when it is true of this pair (REF-046, REF-047). */
export function gotchas(sheets: Sheets, model: Model, provider: Provider, endpoint: Endpoint): readonly string[] {
  const found: string[] = [];
  if (endpoint.upstreamModel !== model.id) {
    found.push(
      `The id at ${provider.name} is “${endpoint.upstreamModel}”, not “${model.id}”. This gateway translates it.`,
    );
  }
  if (endpoint.rolling) {
    found.push(
      `“${endpoint.upstreamModel}” is a rolling alias: since ${endpoint.rolling.since} it means ${endpoint.rolling.target}. It may move again.`,
    );
  }
  for (const alias of sheets.aliases(model.id)) {
    if (alias.provider === provider.id && alias.to === undefined && alias.alias !== endpoint.upstreamModel) {
      found.push(
        `The alias “${alias.alias}” means this model since ${alias.from}; before, it meant another at another price.`,
      );
    }
  }
  if (
    endpoint.contextLength !== undefined &&
    model.contextLength !== undefined &&
    endpoint.contextLength !== model.contextLength
  ) {
    found.push(
      `${provider.name} states a context of ${count(endpoint.contextLength)} tokens, the lab ${count(model.contextLength)}.`,
    );
  }
  if (endpoint.priceState === 'trial_quota')
    found.push('Free of charge within a trial with a cap on requests; not meant for production.');
  if (endpoint.overrides) found.push('The price depends on the size of the prompt or the hour: see the pricing table.');
  if (endpoint.efforts && endpoint.efforts.length > 0)
    found.push(`Reasoning effort is one of ${endpoint.efforts.join(', ')} here; the gateway takes the nearest.`);
  return found;
}
