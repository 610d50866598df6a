import { UNITS, type Unit } from '../../canon/units.ts';
import { unitPrice } from '../../catalogue/rates.ts';
import { loadConfig } from '../../config/load.ts';
import { formatPricePerMillion, formatUnitPrice, picodollarsPerUnit } from '../../money/money.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';
import { configure } from '../roads.ts';
import { catalogueFacts, catalogueSnapshot } from '../snapshot.ts';
import { providerList } from './provider-list.ts';

export const catalogue: Command = {
  summary: 'Show what is known of a model and its hosts',
  help: `Usage: turnpike catalogue show <author/slug> [--json]
       turnpike catalogue models <provider> [--json]

show prints a model's hosts with prices and limits; with --json also every figure's source, date and dissenting observations.
models asks a provider for its own list, with its configured key, and says what is new there, what is gone and what will be.
`,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, {}, 2);
    const [action, slug] = positionals;
    if ((action !== 'show' && action !== 'models') || slug === undefined)
      throw new UsageError('catalogue needs show <author/slug> or models <provider>');
    const config = loadConfig(effects.environment, effects.cwd);
    const configured = configure(config, catalogueSnapshot(), effects.clock.now);
    if (action === 'models') return providerList(configured, config, slug, effects, values.json === true);
    const { snapshot } = configured;
    const model = snapshot.model(slug);
    if (!model) throw new UsageError(`${slug} is not in the catalogue`);
    const endpoints = snapshot.endpointsOf(model.id);
    if (values.json) {
      const { facts } = catalogueFacts();
      const subjects = [`model:${model.id}`, ...endpoints.map((endpoint) => `endpoint:${endpoint.id}`)];
      show(
        effects,
        true,
        { model, endpoints, facts: Object.fromEntries(subjects.map((subject) => [subject, facts[subject] ?? {}])) },
        '',
      );
      return 0;
    }
    const rows = endpoints.map((endpoint) => {
      const rates = snapshot.rates(endpoint);
      const price = (unit: 'input' | 'output'): string =>
        endpoint.priceState === 'listed' ? `$${formatPricePerMillion(unitPrice(rates, unit))}` : endpoint.priceState;
      const count = (value: number | undefined): string => value?.toLocaleString('en-US') ?? 'not sourced';
      return [
        snapshot.provider(endpoint.provider)?.name ?? endpoint.provider,
        endpoint.upstreamModel,
        price('input'),
        price('output'),
        count(endpoint.contextLength),
        count(endpoint.maxOutputTokens),
      ];
    });
    const extra = endpoints.flatMap((endpoint) =>
      Object.entries(endpoint.rates)
        .filter(([unit]) => unit !== 'input' && unit !== 'output')
        .map(
          ([unit, pico]) =>
            `  ${endpoint.provider}: ${UNITS[unit as Unit].label} $${formatUnitPrice(picodollarsPerUnit(BigInt(pico)))} each`,
        ),
    );
    show(
      effects,
      false,
      undefined,
      `${model.name} (${model.id})\n\n${table([['HOST', 'ID THERE', 'INPUT / 1M', 'OUTPUT / 1M', 'CONTEXT', 'MAX OUTPUT'], ...rows])}${extra.length > 0 ? `\n${extra.join('\n')}\n` : ''}`,
    );
    return 0;
  },
};
