import type { ReactNode } from 'react';
import type { Model } from '../catalogue/types.ts';
import { count, modelPath } from './format.ts';
import { HostTable, hostCount } from './host-table.tsx';
import { Layout } from './layout.tsx';
import { Code, Receipt, Scrolling, Section } from './parts.tsx';
import type { PageData, Visit } from './ports.ts';
import { curl } from './snippets.ts';
import { capabilities, hostsOf, priceFigure, Sheets, textFigure } from './view.ts';

const PAGE_SIZE = 60;

interface Row {
  readonly model: Model;
  readonly hosts: ReturnType<typeof hostsOf>;
}

const SORTS = {
  newest: 'Newest first',
  price: 'Cheapest input first',
  context: 'Largest context first',
  name: 'By name',
} as const;
type Sort = keyof typeof SORTS;

/** What is unknown comes last, whichever way it is sorted (REF-015). */
function sorted(rows: readonly Row[], sort: Sort): readonly Row[] {
  const price = ({ hosts }: Row): number =>
    hosts[0]?.endpoint.priceState === 'listed'
      ? Number(hosts[0].endpoint.rates.input ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY;
  const order: Record<Sort, (a: Row, b: Row) => number> = {
    newest: (a, b) => b.model.created - a.model.created,
    price: (a, b) => (price(a) === price(b) ? 0 : price(a) - price(b)),
    context: (a, b) => (b.model.contextLength ?? -1) - (a.model.contextLength ?? -1),
    name: (a, b) => a.model.name.localeCompare(b.model.name),
  };
  return [...rows].sort((a, b) => order[sort](a, b) || (a.model.id < b.model.id ? -1 : 1));
}

function search(data: PageData, words: string): readonly Model[] {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return data.snapshot.models.filter((model) => {
    const text =
      `${model.id} ${model.name} ${model.family ?? ''} ${data.snapshot.lab(model.lab)?.name ?? ''} ${model.aliases.join(' ')}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export function ModelsPage({ data, visit }: { data: PageData; visit: Visit }): ReactNode {
  const sheets = new Sheets(data.facts);
  const words = visit.query.get('q') ?? '';
  const asked = visit.query.get('sort') ?? 'newest';
  const sort: Sort = Object.hasOwn(SORTS, asked) ? (asked as Sort) : 'newest';
  const input = visit.query.get('input') ?? '';
  const found = search(data, words).filter((model) => input === '' || model.inputModalities.includes(input));
  const rows = sorted(
    found.map((model) => ({ model, hosts: hostsOf(data, model) })),
    sort,
  );
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_SIZE));
  const page = Math.min(pages, Math.max(1, Math.trunc(Number(visit.query.get('page') ?? 1)) || 1));
  const link = (to: number): string =>
    `/models?${new URLSearchParams({ ...(words && { q: words }), ...(input && { input }), sort, page: String(to) })}`;
  return (
    <Layout
      title={words === '' ? 'Models' : `Models: ${words}`}
      description="All models of the catalogue with price, context and providers."
      canonical="/models"
    >
      <h1>Models</h1>
      <search>
        <form className="search" action="/models" method="get">
          <label className="wide">
            Name, lab or id
            <input type="search" name="q" defaultValue={words} />
          </label>
          <label>
            Takes
            <select name="input" defaultValue={input}>
              <option value="">anything</option>
              <option value="image">images</option>
              <option value="audio">audio</option>
              <option value="file">files</option>
            </select>
          </label>
          <label>
            Order
            <select name="sort" defaultValue={sort}>
              {Object.entries(SORTS).map(([id, label]) => (
                <option key={id} value={id}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" className="primary">
            Search
          </button>
        </form>
      </search>
      <p role="status" className="meta">
        {count(rows.length)} {rows.length === 1 ? 'model' : 'models'}
        {words !== '' && ` for “${words}”`}
      </p>
      {rows.length === 0 ? (
        <p>
          Nothing matches. <a href="/models">Show all models</a>.
        </p>
      ) : (
        <Scrolling label="Models">
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Lab</th>
                <th scope="col" className="num">
                  Input from / 1M
                </th>
                <th scope="col" className="num">
                  Output / 1M
                </th>
                <th scope="col" className="num">
                  Context
                </th>
                <th scope="col" className="num">
                  Providers
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE).map(({ model, hosts }) => (
                <tr key={model.id}>
                  <th scope="row">
                    <a href={modelPath(model.id)}>{model.name}</a>
                    <br />
                    <span className="id meta">{model.id}</span>
                  </th>
                  <td>{data.snapshot.lab(model.lab)?.name ?? model.lab}</td>
                  {(['input', 'output'] as const).map((field) => (
                    <td className="num" key={field}>
                      {hosts[0] ? (
                        <Receipt
                          figure={priceFigure(sheets, hosts[0].endpoint, field)}
                          sheets={sheets}
                          label={`${model.name}, ${field}`}
                          price
                        />
                      ) : (
                        'No provider'
                      )}
                    </td>
                  ))}
                  <td className="num">
                    {model.contextLength === undefined ? 'Not sourced' : count(model.contextLength)}
                  </td>
                  <td className="num">{hosts.length}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolling>
      )}
      {pages > 1 && (
        <nav className="pages" aria-label="Pages">
          {page > 1 && <a href={link(page - 1)}>Previous</a>}
          <span className="meta">
            Page {page} of {pages}
          </span>
          {page < pages && <a href={link(page + 1)}>Next</a>}
        </nav>
      )}
    </Layout>
  );
}

export function ModelPage({ data, model, visit }: { data: PageData; model: Model; visit: Visit }): ReactNode {
  const sheets = new Sheets(data.facts);
  const hosts = hostsOf(data, model);
  const specs = [
    'released',
    'parameters',
    'active_parameters',
    'architecture',
    'context_length',
    'max_output_tokens',
    'knowledge_cutoff',
    'licence',
  ];
  const label = (field: string): string => field.charAt(0).toUpperCase() + field.slice(1).replaceAll('_', ' ');
  return (
    <Layout
      title={`${model.name}: providers and prices`}
      description={`${model.name}: ${hostCount(hosts)}, specs and capabilities, each figure with source and date.`}
      canonical={modelPath(model.id)}
      crumbs={[{ href: '/models', label: 'Models' }]}
    >
      <h1>{model.name}</h1>
      <p className="lead">{data.snapshot.lab(model.lab)?.name ?? model.lab}</p>
      <p>{model.about}</p>
      <ul className="caps" aria-label="Capabilities">
        {capabilities(sheets, model, undefined).map(({ label: name, has }) => (
          <li key={name} className={`badge ${has ? 'badge-good' : ''}`}>
            {name}: {has === undefined ? 'unknown' : has ? 'yes' : 'no'}
          </li>
        ))}
      </ul>
      <Section id="providers" title="Providers">
        <HostTable {...{ data, sheets, model, hosts }} />
      </Section>
      <Section id="specs" title="Specs">
        <dl className="facts">
          {specs.map((field) => (
            <div key={field}>
              <dt>{label(field)}</dt>
              <dd>
                <Receipt
                  figure={textFigure(sheets.fact(`model:${model.id}`, field), (value) =>
                    typeof value === 'number' ? count(value) : value,
                  )}
                  sheets={sheets}
                  label={label(field)}
                />
              </dd>
            </div>
          ))}
        </dl>
      </Section>
      <Section id="call" title="Call it">
        <Code label="curl example" text={curl({ origin: visit.origin, model: model.id, provider: undefined })} />
      </Section>
    </Layout>
  );
}

/** @param first the model the start page leads with */
export function HomePage({
  data,
  first,
  visit,
}: {
  data: PageData;
  first: Model | undefined;
  visit: Visit;
}): ReactNode {
  const { models, providers, endpoints } = data.snapshot;
  const newest = [...models].sort((a, b) => b.created - a.created).slice(0, 9);
  return (
    <Layout
      title="Turnpike: one road to every model"
      description="A gateway, a reference and a sandbox for language models."
      canonical="/"
    >
      <div className="hero">
        <h1>One road to every model</h1>
        <p className="lead">
          {count(models.length)} models at {count(providers.length)} providers, {count(endpoints.length)} prices and
          limits, each with its source and the day it was checked. This gateway calls them through one API.
        </p>
        <search>
          <form className="search" action="/models" method="get">
            <label className="wide">
              Find a model
              <input type="search" name="q" />
            </label>
            <button type="submit" className="primary">
              Search
            </button>
          </form>
        </search>
      </div>
      {first && (
        <Section id="first" title="First request">
          <p>
            Any client of OpenAI or OpenRouter works; only the base URL changes. This one asks{' '}
            <a href={modelPath(first.id)}>{first.name}</a>.
          </p>
          <Code label="curl example" text={curl({ origin: visit.origin, model: first.id, provider: undefined })} />
        </Section>
      )}
      <Section id="newest" title="Newest models">
        <ul className="cards">
          {newest.map((model) => (
            <li key={model.id}>
              <a href={modelPath(model.id)}>{model.name}</a>
              <p>
                {data.snapshot.lab(model.lab)?.name ?? model.lab} · {hostCount(hostsOf(data, model))}
              </p>
            </li>
          ))}
        </ul>
      </Section>
    </Layout>
  );
}

export function NotFoundPage({ data, path }: { data: PageData; path: string }): ReactNode {
  const words = path
    .split(/[/\-._:]+/)
    .filter((word) => word.length > 2 && word !== 'models')
    .slice(-2)
    .join(' ');
  const near = words === '' ? [] : search(data, words).slice(0, 6);
  return (
    <Layout title="Not found" description="No page at this address." canonical={path} index={false}>
      <h1>No page at this address</h1>
      <p>
        <a href="/models">All models</a> or <a href="/providers">all providers</a>.
      </p>
      {near.length > 0 && (
        <ul className="cards">
          {near.map((model) => (
            <li key={model.id}>
              <a href={modelPath(model.id)}>{model.name}</a>
            </li>
          ))}
        </ul>
      )}
    </Layout>
  );
}
