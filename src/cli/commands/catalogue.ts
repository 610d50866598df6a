import { UNITS, type Unit } from '../../canon/units.ts';
import { unitPrice } from '../../catalogue/snapshot.ts';
import { loadConfig } from '../../config/load.ts';
import { formatPricePerMillion, formatUnitPrice, picodollarsPerUnit } from '../../money/money.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';
import { configure } from '../roads.ts';
import { catalogueFacts, catalogueSnapshot } from '../snapshot.ts';

export const catalogue: Command = {
  summary: 'Show what is known of a model and its hosts',
  help: `Usage: turnpike catalogue show <author/slug> [--json]

Prints a model's hosts with prices and limits; with --json also every figure's source, date and dissenting observations.
`,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, {}, 2);
    const [action, slug] = positionals;
    if (action !== 'show' || slug === undefined) throw new UsageError('catalogue needs show <author/slug>');
    const { snapshot } = configure(
      loadConfig(effects.environment, effects.cwd),
      catalogueSnapshot(),
      effects.clock.now,
    );
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
