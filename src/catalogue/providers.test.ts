import { beforeAll, describe, expect, it } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFacts, loadSnapshot } from './load.ts';
import { parseAuthored } from './sources/authored.ts';
import { type CatalogueFacts, type Provider, RATE_HEADERS } from './types.ts';

const CATALOGUE = join(import.meta.dir, '../../catalogue');
const DAY = /^\d{4}-\d{2}-\d{2}$/;

describe('every row of a provider', () => {
  let providers: readonly Provider[];
  let facts: CatalogueFacts['facts'];
  beforeAll(() => {
    providers = loadSnapshot().providers;
    facts = loadFacts().facts;
  });

  const holes = (complaint: (provider: Provider) => string | undefined): string[] =>
    providers.flatMap((provider) => {
      const why = complaint(provider);
      return why === undefined ? [] : [`${provider.id}: ${why}`];
    });

  it('says how it is called, by whose word and when that was read', () => {
    expect(
      holes(({ id, dialect, auth, about }) => {
        const row = facts[`provider:${id}`]?.dialect;
        if (!dialect || !auth.kind || !about) return 'lacks wire, credential or text';
        return row?.source && DAY.test(row.checked) ? undefined : 'has no source or no day';
      }),
    ).toEqual([]);
    expect(providers.length).toBe(readdirSync(join(CATALOGUE, 'providers')).length);
  });

  it('that has a list of its models has it on its own host', () => {
    expect(
      holes(({ base, listModels }) => {
        if (listModels === undefined || base === undefined) return undefined;
        const at = new URL(base.replaceAll(/\{[A-Z0-9_]+\}/g, 'x'));
        const list = new URL(`${at.href.replace(/\/$/, '')}${listModels}`);
        return list.origin === at.origin && !list.pathname.includes('//') ? undefined : `lists at ${list.href}`;
      }),
    ).toEqual([]);
  });

  it('names a family of rate-limit headers that there is, or none', () => {
    expect(
      holes(({ rateHeaders }) =>
        rateHeaders === undefined || RATE_HEADERS.includes(rateHeaders) ? undefined : `no family ${rateHeaders}`,
      ),
    ).toEqual([]);
  });

  it('with a word on data has the pages that say so and the day they were read, and each word is a fact by that source', () => {
    expect(
      holes(({ id, kind, policy }) => {
        if (!policy) return undefined;
        if (!DAY.test(policy.checked)) return 'has no day';
        if (policy.source === 'own-machine') return kind === 'local' ? undefined : 'is nobody’s own machine';
        if (policy.source.length === 0 || !policy.source.every((page) => page.startsWith('https://')))
          return 'has no page';
        const sheet = facts[`provider:${id}`];
        for (const [field, value] of [
          ['trains_on_prompts', policy.trainsOnPrompts],
          ['retention_days', policy.retentionDays],
          ['zero_retention', policy.zeroRetention],
        ] as const)
          if (value !== undefined && (sheet?.[field]?.source !== 'provider-docs' || sheet[field]?.value !== value))
            return `${field} is no fact by the provider`;
        return undefined;
      }),
    ).toEqual([]);
  });

  it('of a program on one’s own machine keeps nothing and trains nothing; of a router speaks for itself only', () => {
    expect(
      holes(({ kind, policy }) => {
        if (kind === 'aggregator') return policy && !policy.passesOn ? 'speaks for its hosts' : undefined;
        if (kind !== 'local') return undefined;
        return policy?.trainsOnPrompts === false && policy.zeroRetention === 'default' ? undefined : 'says otherwise';
      }),
    ).toEqual([]);
  });
});

describe('a policy', () => {
  const files = new Map(
    ['sources.toml', 'aliases.toml', 'decisions.toml'].map((file) => [
      file,
      readFileSync(join(CATALOGUE, file), 'utf8'),
    ]),
  );
  const row = (kind: string, policy: string): (() => unknown) => {
    const toml = [
      'source = "provider-docs"\nchecked = 2026-10-01\nname = "Acme"\nabout = "Acme."',
      `kind = "${kind}"\ndialect = "openai-chat"\nauth = { kind = "bearer" }\n[policy]\n${policy}`,
    ].join('\n');
    return () => parseAuthored(new Map([...files, ['providers/acme.toml', toml]]));
  };
  const PAGE = 'source = "https://acme.example/data"';
  const DATE = 'checked = 2026-11-25';

  it.each([
    ['a fact without a page', 'lab', `retention_days = 30\n${DATE}`, 'policy.source'],
    ['a fact without a day', 'lab', `retention_days = 30\n${PAGE}`, 'policy.checked'],
    ['a page that says nothing', 'lab', `${PAGE}\n${DATE}`, 'says nothing'],
    [
      'an own machine that is somebody else’s',
      'cloud',
      `retention_days = 0\nsource = "own-machine"\n${DATE}`,
      'own machine',
    ],
    [
      'a router that speaks for its hosts',
      'aggregator',
      `retention_days = 0\n${PAGE}\n${DATE}`,
      'policies of their own',
    ],
    [
      'zero retention by default that keeps something',
      'lab',
      `retention_days = 30\nzero_retention = "default"\n${PAGE}\n${DATE}`,
      'contradicts itself',
    ],
  ])('is refused: %s', (_name, kind, policy, why) => {
    expect(row(kind, policy)).toThrow(why);
  });

  it('is taken with its pages and its day', () => {
    expect(row('aggregator', `retention_days = 0\npasses_on = true\n${PAGE}\n${DATE}`)).not.toThrow();
    expect(row('local', `retention_days = 0\nsource = "own-machine"\n${DATE}`)).not.toThrow();
  });
});
