import { beforeAll, describe, expect, test } from 'bun:test';
import { loadFacts, loadSnapshot } from '../catalogue/load.ts';
import { STATES } from '../catalogue/types.ts';
import { STATE_WORDS, usd } from './format.ts';
import { pageAt } from './pages.tsx';
import type { PageData } from './ports.ts';
import { hostsOf, relatedAt, Sheets } from './view.ts';

const MODEL = 'mistralai/mistral-small-2603';
let data: PageData;
beforeAll(() => {
  data = {
    snapshot: loadSnapshot(),
    facts: loadFacts(),
    service: () => 'none',
    reached: () => 'none',
    measured: () => ({ samples: 0, firstContentMs: undefined, tokensPerSecond: undefined, uptimePercent: undefined }),
  };
});

async function page(address: string, status = 200): Promise<string> {
  const url = new URL(address, 'http://here');
  const response = pageAt(data, { origin: 'http://here', path: url.pathname, query: url.searchParams }, MODEL);
  expect([address, response.status]).toEqual([address, status]);
  return response.text();
}

/** The words of a page, without its markup and without its receipts. */
const words = (html: string): string =>
  html
    .replace(/<details.*?<\/details>/gs, '')
    .replace(/<(script|style).*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

const section = (html: string, id: string): string =>
  new RegExp(`<section aria-labelledby="${id}">.*?</section>(?=<section|</div>|</main>)`, 's').exec(html)?.[0] ?? '';

describe('the page it all began with', () => {
  test('REF-043 shows the prices and the context', async () => {
    const text = words(await page(`/models/${MODEL}/on/openrouter`));
    for (const figure of ['$0.15', '$0.60', '$0.015', '262,144']) expect(text).toContain(figure);
  });

  test('REF-041 REF-042 has title, family, lab, delivery, openness and four tiles, each with value or state', async () => {
    const html = await page(`/models/${MODEL}/on/openrouter`);
    const text = words(html);
    for (const part of ['Mistral Small 4 on OpenRouter', 'Mistral Small · Mistral AI', 'Serverless', 'Open weights'])
      expect(text).toContain(part);
    const tiles = [...html.matchAll(/<div class="tile"><dt>([^<]+)<\/dt><dd>(.*?)<\/dd>/gs)];
    expect(tiles.map(([, label]) => label)).toEqual([
      'Input / 1M',
      'Output / 1M',
      'Cached input / 1M',
      'Batch input / 1M',
    ]);
    for (const [, , body] of tiles) expect(words(body ?? '').trim()).not.toBe('');
  });

  test('REF-044 REF-054 the recipe has install, key, address and id, and specs tell the model from the host', async () => {
    const html = await page(`/models/${MODEL}/on/openrouter`);
    const recipe = words(section(html, 'setup'));
    for (const part of ['npm install openai', 'OPENROUTER_API_KEY', 'https://openrouter.ai/api/v1', MODEL])
      expect(recipe).toContain(part);
    const specs = words(section(html, 'specs'));
    expect(specs.indexOf('256,000')).toBeLessThan(specs.indexOf('On OpenRouter'));
    expect(specs.indexOf('262,144')).toBeGreaterThan(specs.indexOf('On OpenRouter'));
  });

  test('REF-052 answers at least five questions, each from a fact', async () => {
    const faq = section(await page(`/models/${MODEL}/on/openrouter`), 'faq');
    expect([...faq.matchAll(/data-fact="[^"]+"/g)].length).toBeGreaterThanOrEqual(5);
    expect(words(faq)).not.toContain('undefined');
  });

  test('REF-055 REF-048 REF-049 hosts are all there, counted twice, none blank, GPU hours named', async () => {
    const html = await page(`/models/${MODEL}/on/openrouter`);
    const table = section(html, 'compare');
    const hosts = data.snapshot.endpointsOf(MODEL);
    expect([...table.matchAll(/<tr[^>]*><th scope="row">/g)]).toHaveLength(hosts.length);
    expect([...table.matchAll(/aria-current="page"/g)]).toHaveLength(1);
    const priced = hosts.filter(({ priceState }) => priceState === 'listed').length;
    expect(words(table)).toContain(`${hosts.length} providers, ${priced} with a price per token`);
    for (const [, cell] of table.matchAll(/<td[^>]*>(.*?)<\/td>/gs)) expect(words(cell ?? '').trim()).not.toBe('');
    expect(words(section(html, 'gpu'))).toContain('Billed by GPU hour');
  });

  test('a tier of service is a row of its own and no further provider', async () => {
    const table = section(await page('/models/openai/gpt-5.5/on/openai'), 'compare');
    const hosts = data.snapshot.endpointsOf('openai/gpt-5.5').length;
    expect(words(table)).toContain(`${hosts} providers`);
    expect([...table.matchAll(/<tr[^>]*><th scope="row">/g)]).toHaveLength(hosts + 2);
    const rows = [...table.matchAll(/<tr[^>]*><th scope="row">.*?<\/tr>/gs)].map(([row]) => words(row));
    const tier = (name: string): string | undefined => rows.find((row) => row.includes(`in the ${name} tier`));
    expect(tier('flex')).toContain('$2.50');
    expect(tier('priority')).toContain('$75.00');
  });

  test('REF-022 REF-023 the old price of the alias and the other context stand in the receipt, with the reason', async () => {
    const html = await page(`/models/${MODEL}/on/mistral`);
    expect(words(html)).toContain('$0.15');
    expect(html).toMatch(/Differs: .{0,8}\$0\.10.{0,120}alias that has moved/s);
    expect(html).toMatch(/Differs: .{0,8}262,144.{0,120}decimal or binary/s);
  });

  test('REF-047 a moving alias is named with the day since when', async () => {
    expect(words(section(await page(`/models/${MODEL}/on/mistral`), 'gotchas'))).toMatch(
      /mistral-small-latest.*since 2026-04-03/,
    );
    expect(words(section(await page(`/models/${MODEL}/on/merge-gateway`), 'gotchas'))).toMatch(
      /rolling alias: since 2026-04-03/,
    );
  });

  test('REF-057 says when figures were checked', async () => {
    expect(words(await page(`/models/${MODEL}/on/openrouter`))).toMatch(
      /checked between \d{4}-\d\d-\d\d and \d{4}-\d\d-\d\d.*next check/,
    );
  });
});

describe('every pair of the catalogue', () => {
  test('REF-046 REF-053 REF-059 is whole: no holes, no internal words, the id named exactly when it differs, one text per price', async () => {
    for (const endpoint of data.snapshot.endpoints) {
      const html = await page(`/models/${endpoint.model}/on/${endpoint.provider}`);
      const text = words(html);
      for (const hole of ['undefined', 'NaN', '[object Object]', 'seed data', 'TODO'])
        expect([endpoint.id, hole, text.includes(hole)]).toEqual([endpoint.id, hole, false]);
      const told = /The id at .* is “/.test(words(section(html, 'gotchas')));
      expect([endpoint.id, told]).toEqual([endpoint.id, endpoint.upstreamModel !== endpoint.model]);
      const input = data.facts.facts[`endpoint:${endpoint.id}`]?.['price.input']?.value;
      if (typeof input === 'string' && Number(input) > 0) {
        expect(words(section(html, 'pricing'))).toContain(usd(input));
        expect(text).toContain(`${usd(input)} per million input tokens`);
      }
    }
  }, 120_000);

  test('REF-058 one without price and limits is not offered to search engines', async () => {
    let seen = 0;
    for (const endpoint of data.snapshot.endpoints) {
      const bare =
        endpoint.priceState === 'not_sourced' &&
        endpoint.contextLength === undefined &&
        endpoint.rates.input === undefined;
      const html = await page(`/models/${endpoint.model}/on/${endpoint.provider}`);
      expect([endpoint.id, html.includes('content="noindex"')]).toEqual([endpoint.id, bare]);
      if (bare) seen += 1;
    }
    expect(seen).toBeGreaterThanOrEqual(0);
  }, 120_000);

  test('every link inside the site leads somewhere', async () => {
    const seen = new Set<string>();
    for (const start of [
      '/',
      '/models',
      '/providers',
      `/models/${MODEL}`,
      `/models/${MODEL}/on/openrouter`,
      '/providers/nvidia',
    ]) {
      for (const [, href] of (await page(start)).matchAll(/href="(\/[^"#]*)"/g))
        seen.add(href?.replaceAll('&amp;', '&') ?? '');
    }
    seen.delete('/openapi.json');
    for (const href of seen) await page(href);
    expect(seen.size).toBeGreaterThan(100);
  });
});

describe('every provider', () => {
  const facts = (html: string): Map<string, string> =>
    new Map(
      [...html.matchAll(/<dt>([^<]+)<\/dt><dd>(.*?)<\/dd>/gs)].map(([, label = '', value = '']) => [
        label,
        words(value).trim(),
      ]),
    );

  test('has all that the catalogue says of it, and what nobody has said is not known, which is not no', async () => {
    for (const provider of data.snapshot.providers) {
      const html = await page(`/providers/${provider.id}`);
      const shown = facts(html);
      for (const [label, value] of shown) expect([provider.id, label, value]).not.toEqual([provider.id, label, '']);
      const known = (label: string): [string, string, boolean] => [
        provider.id,
        label,
        shown.get(label) !== 'Not known',
      ];
      const { listModels, rateHeaders, policy } = provider;
      expect(known('List of models')).toEqual([provider.id, 'List of models', listModels !== undefined]);
      expect(known('Rate limits in headers')).toEqual([
        provider.id,
        'Rate limits in headers',
        rateHeaders !== undefined,
      ]);
      for (const [label, fact] of [
        ['Trains on prompts', policy?.trainsOnPrompts],
        ['Keeps prompts and answers', policy?.retentionDays],
        ['Zero retention', policy?.zeroRetention],
        ['Regions', policy?.regions[0]],
      ] as const)
        expect(known(label)).toEqual([provider.id, label, fact !== undefined]);
      const leaving =
        provider.cancellation === undefined ? 'Not known' : provider.cancellation ? 'is cut' : 'does not stop';
      expect(shown.get('When a caller leaves')).toContain(leaving);
      for (const secret of ['undefined', '[object Object]']) expect(html).not.toContain(secret);
      if (policy === undefined || policy.source === 'own-machine') continue;
      const section = html.slice(html.indexOf('id="data-policy"'));
      for (const link of policy.source) expect(section).toContain(`href="${link}"`);
      expect(words(section)).toContain(`checked ${policy.checked}`);
    }
  });

  test('has its policy on the page of each model and in the list, in the same words', async () => {
    const pair = words(section(await page(`/models/${MODEL}/on/openrouter`), 'data-policy'));
    expect(pair).toMatch(/Keeps prompts and answers Not kept.*policy of OpenRouter itself.*checked \d{4}-\d\d-\d\d/);
    const list = await page('/providers');
    const cells = new Map(
      [...list.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/gs)].map(([, name = '', row = '']) => [
        words(name).trim(),
        words(row),
      ]),
    );
    expect(cells.get('OpenAI')).toContain('No training, kept up to 30 days');
    expect(cells.get('OpenRouter')).toContain('Training not known, nothing kept (router)');
    expect(cells.get('Cohere')).toContain('Trains, kept up to 30 days');
    expect(cells.get('Amazon Bedrock')).toContain('Training not known, zero retention by setting');
    expect(cells.get('Chutes')).toContain('Not known');
  });
});

describe('words and orders', () => {
  test('REF-013 each state has a chip and an explanation of its own', () => {
    const states = Object.keys(STATES);
    expect(Object.keys(STATE_WORDS)).toEqual(states);
    expect(new Set(Object.values(STATE_WORDS)).size).toBe(states.length);
    expect(new Set(Object.values(STATES)).size).toBe(states.length);
  });

  test('REF-014 nothing to pay is a trial, a plan or free, each by its own word', async () => {
    expect(words(section(await page(`/models/${MODEL}/on/nvidia`), 'pricing'))).toContain('Free trial quota');
    const plan = data.snapshot.endpoints.find(({ priceState }) => priceState === 'plan_included');
    const free = data.snapshot.endpoints.find(({ priceState }) => priceState === 'free');
    if (plan) expect(words(await page(`/models/${plan.model}/on/${plan.provider}`))).toContain('Included in plan');
    expect(free && words(await page(`/models/${free.model}/on/${free.provider}`))).toContain('Free');
  });

  test('REF-015 what has no price comes last when sorted by price', async () => {
    const inputs = async (address: string): Promise<string[]> =>
      [...(await page(address)).matchAll(/<tr><th scope="row">.*?<td class="num">(.*?)<\/td>/gs)].map(([, cell]) =>
        words(cell ?? '').trim(),
      );
    expect((await inputs('/models?sort=price')).every((text) => text.startsWith('$'))).toBe(true);
    const last = Math.ceil(data.snapshot.models.length / 60);
    expect((await inputs(`/models?sort=price&page=${last}`)).some((text) => text.startsWith('$'))).toBe(false);
  });

  test('REF-051 a capability is yes, no or unknown', async () => {
    const text = words(section(await page(`/models/${MODEL}/on/openrouter`), 'capabilities'));
    expect(text).toContain('Tool calls: yes');
    expect(text).toContain('Audio input: no');
    const unknown = data.snapshot.endpoints.find((one) => one.parameters !== 'all' && one.parameters.length === 0);
    if (unknown)
      expect(words(section(await page(`/models/${unknown.model}/on/${unknown.provider}`), 'capabilities'))).toContain(
        'unknown',
      );
  });

  test('REF-056 related models are at most six, the same each time, none retired, two of a family', () => {
    for (const { endpoint } of hostsOf(data, data.snapshot.model(MODEL) as never)) {
      const model = data.snapshot.model(endpoint.model);
      if (!model) throw new Error('no model');
      const related = relatedAt(data, model, endpoint);
      expect(related).toEqual(relatedAt(data, model, endpoint));
      expect(related.length).toBeLessThanOrEqual(6);
      expect(related.some((one) => one.endpoint.retired)).toBe(false);
      const families = related.map((one) => data.snapshot.model(one.endpoint.model)?.family ?? one.endpoint.model);
      for (const family of families) expect(families.filter((one) => one === family).length).toBeLessThanOrEqual(2);
      if (endpoint.provider === 'openrouter') expect(related).toHaveLength(6);
    }
  });

  test('search takes several words, in any order, and says when there is nothing', async () => {
    expect(words(await page('/models?q=small+mistral+4'))).toContain('Mistral Small 4');
    expect(words(await page('/models?q=%3Cscript%3E'))).toContain('Nothing matches');
  });

  test('the page that errors link to has a row for each code they name', async () => {
    const text = await page('/docs/errors');
    for (const code of [
      'model_not_found',
      'no_endpoints',
      'capacity_exhausted',
      'temporarily_unavailable',
      'model_unavailable_upstream',
      'constraint_filtered',
    ]) {
      expect(text).toContain(`id="${code}"`);
    }
  });

  test('aliases and capitals lead to the one address, strangers to a page that helps', async () => {
    await page('/models/mistral-small-4', 308);
    await page(`/models/${MODEL.toUpperCase()}/on/openrouter`, 308);
    expect(words(await page('/models/mistralai/mistral-small-9', 404))).toContain('No page');
    await page('/models/%E0%A4%A', 404);
  });

  test('prices keep every digit and at least two decimals', () => {
    expect(['0.15', '0.6', '15', '0.1875', '1234.5', '0.000001'].map(usd)).toEqual([
      '$0.15',
      '$0.60',
      '$15.00',
      '$0.1875',
      '$1,234.50',
      '$0.000001',
    ]);
    expect(new Sheets(data.facts).sources.length).toBeGreaterThan(3);
  });
});
