import type { ReactNode } from 'react';
import type { Endpoint, Model, PriceWindow, Provider } from '../catalogue/types.ts';
import { DataPolicySection } from './data-policy-section.tsx';
import { count, DELIVERY_WORDS, modelPath, pairPath, perMillion, providerPath, usd } from './format.ts';
import { HostTable, hostCount } from './host-table.tsx';
import { Layout } from './layout.tsx';
import { Code, Receipt, Scrolling, Section } from './parts.tsx';
import type { PageData, Visit } from './ports.ts';
import { gotchas, questions } from './questions.ts';
import { curl, python, typescript } from './snippets.ts';
import { MeasuredHere, Specs } from './specs.tsx';
import { capabilities, checkedDays, type Host, hostsOf, priceFigure, prices, relatedAt, Sheets } from './view.ts';

/** One model at one provider: what it costs, how to call it, what to mind, and who else has it. */
export function PairPage({
  data,
  model,
  provider,
  endpoint,
  visit,
}: {
  data: PageData;
  model: Model;
  provider: Provider;
  endpoint: Endpoint;
  visit: Visit;
}): ReactNode {
  const sheets = new Sheets(data.facts);
  const hosts = hostsOf(data, model);
  const title = `${model.name} on ${provider.name}`;
  const input = priceFigure(sheets, endpoint, 'input');
  const known = input.text !== '' || endpoint.priceState !== 'not_sourced' || endpoint.contextLength !== undefined;
  return (
    <Layout
      title={`${title}: price, limits and how to call it`}
      description={`${title}: price per million tokens, context, capabilities, request examples and a comparison with ${hosts.length - 1} other providers, each figure with source and date.`}
      canonical={pairPath(model.id, provider.id)}
      index={known}
      crumbs={[
        { href: '/models', label: 'Models' },
        { href: modelPath(model.id), label: model.name },
        { href: providerPath(provider.id), label: provider.name },
      ]}
    >
      <Head {...{ data, sheets, model, provider, endpoint, hosts }} />
      <div className="columns">
        <div>
          <Recipe {...{ provider, endpoint }} />
          <Examples {...{ data, model, provider, endpoint, visit }} />
          <Gotchas list={gotchas(sheets, model, provider, endpoint)} />
        </div>
        <div>
          <Specs {...{ sheets, model, endpoint, provider }} />
          <DataPolicySection provider={provider} />
          <MeasuredHere {...{ data, endpoint }} />
        </div>
      </div>
      <Comparison {...{ data, sheets, model, endpoint, hosts }} />
      <Pricing {...{ sheets, endpoint }} />
      <Capabilities {...{ sheets, model, endpoint }} />
      <Section id="about" title={`About ${model.name}`}>
        <p>{model.about}</p>
      </Section>
      <Section id="faq" title="Questions">
        {questions(sheets, model, provider, endpoint, hosts).map(({ id, question, answer }) => (
          <div key={id} data-fact={id}>
            <h3>{question}</h3>
            <p>{answer}</p>
          </div>
        ))}
      </Section>
      <GpuHour {...{ sheets, hosts, model }} />
      <Related {...{ data, sheets, model, endpoint, provider }} />
    </Layout>
  );
}

function Head({
  data,
  sheets,
  model,
  provider,
  endpoint,
  hosts,
}: {
  data: PageData;
  sheets: Sheets;
  model: Model;
  provider: Provider;
  endpoint: Endpoint;
  hosts: readonly Host[];
}): ReactNode {
  const days = checkedDays(sheets, [`endpoint:${endpoint.id}`, `model:${model.id}`]);
  const input = priceFigure(sheets, endpoint, 'input');
  const service = data.service(provider, endpoint);
  const lab = data.snapshot.lab(model.lab)?.name ?? model.lab;
  const tiles = [
    ['Input / 1M', input],
    ['Output / 1M', priceFigure(sheets, endpoint, 'output')],
    ['Cached input / 1M', priceFigure(sheets, endpoint, 'cache-read')],
    ['Batch input / 1M', priceFigure(sheets, endpoint, 'batch.input')],
  ] as const;
  return (
    <>
      <h1>
        {model.name} on {provider.name}
      </h1>
      <p className="lead">
        {model.family !== undefined && model.family !== model.name ? `${model.family} · ` : ''}
        {lab}
      </p>
      <ul className="badges" aria-label="Kind">
        <li className="badge">{DELIVERY_WORDS[endpoint.delivery]}</li>
        <li className={`badge ${model.openWeights ? 'badge-good' : ''}`}>
          {model.openWeights === undefined ? 'Openness unknown' : model.openWeights ? 'Open weights' : 'Proprietary'}
        </li>
        {endpoint.retired && <li className="badge badge-bad">Retired here</li>}
        <li className="badge">
          {service === 'none'
            ? 'Not routed by this gateway'
            : service === 'sandbox'
              ? 'Served here by the sandbox'
              : 'Served here'}
        </li>
      </ul>
      <p className="meta">
        {days ? `Figures checked between ${days.oldest} and ${days.newest}. ` : 'No figure has been checked yet. '}
        Catalogue as of {data.snapshot.asOf}; the next check comes with the next release.
      </p>
      <p>
        <strong>Why here?</strong>{' '}
        {input.text === '' ? '' : `${provider.name} offers ${model.name} at ${input.text} per million input tokens. `}
        {provider.about}
      </p>
      <dl className="tiles">
        {tiles.map(([label, figure]) => (
          <div className="tile" key={label}>
            <dt>{label}</dt>
            <dd>
              <Receipt figure={figure} sheets={sheets} label={label} price />
            </dd>
          </div>
        ))}
      </dl>
      <p className="meta">
        <a href="#compare">{hostCount(hosts)}</a>
      </p>
    </>
  );
}

function Recipe({ provider, endpoint }: { provider: Provider; endpoint: Endpoint }): ReactNode {
  const key = provider.keyEnv[0];
  return (
    <Section id="setup" title="Setup recipe">
      <dl className="facts">
        <div>
          <dt>Install</dt>
          <dd>
            <code>npm install openai</code> or <code>pip install openai</code>
          </dd>
        </div>
        <div>
          <dt>Auth</dt>
          <dd>
            {provider.auth.kind === 'none' ? 'No key' : 'A key of this gateway'}
            {key !== undefined && (
              <>
                ; straight to the provider: <code>{key}</code>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Base URL</dt>
          <dd>{provider.base === undefined ? 'Not sourced' : <code>{provider.base}</code>}</dd>
        </div>
        <div>
          <dt>Model id there</dt>
          <dd>
            <code>{endpoint.upstreamModel}</code>
          </dd>
        </div>
        {provider.docs !== undefined && (
          <div>
            <dt>Documentation</dt>
            <dd>
              <a href={provider.docs}>{provider.name} docs</a>
            </dd>
          </div>
        )}
      </dl>
    </Section>
  );
}

function Examples({
  data,
  model,
  provider,
  endpoint,
  visit,
}: {
  data: PageData;
  model: Model;
  provider: Provider;
  endpoint: Endpoint;
  visit: Visit;
}): ReactNode {
  const served = data.service(provider, endpoint) !== 'none';
  const input = { origin: visit.origin, model: model.id, provider: served ? provider.id : undefined };
  return (
    <Section id="examples" title="Request example">
      {!served && (
        <p>This gateway does not route to {provider.name} now; the examples take any provider of the model.</p>
      )}
      <h3>curl</h3>
      <Code label="curl example" text={curl(input)} />
      <h3>TypeScript</h3>
      <Code label="TypeScript example" text={typescript(input)} />
      <h3>Python</h3>
      <Code label="Python example" text={python(input)} />
    </Section>
  );
}

function Gotchas({ list }: { list: readonly string[] }): ReactNode {
  if (list.length === 0) return null;
  return (
    <Section id="gotchas" title="Gotchas">
      <ul className="gotchas">
        {list.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Section>
  );
}

function Comparison({
  data,
  sheets,
  model,
  endpoint,
  hosts,
}: {
  data: PageData;
  sheets: Sheets;
  model: Model;
  endpoint: Endpoint;
  hosts: readonly Host[];
}): ReactNode {
  return (
    <Section id="compare" title={`Compare ${model.name} across providers`}>
      <HostTable {...{ data, sheets, model, hosts, current: endpoint.id }} />
    </Section>
  );
}

function Pricing({ sheets, endpoint }: { sheets: Sheets; endpoint: Endpoint }): ReactNode {
  return (
    <Section id="pricing" title="Pricing">
      <Scrolling label="Price table">
        <table>
          <caption>USD per million tokens</caption>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" className="num">
                Price / 1M
              </th>
            </tr>
          </thead>
          <tbody>
            {prices(sheets, endpoint).map(({ label, figure }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td className="num">
                  <Receipt figure={figure} sheets={sheets} label={label} price />
                </td>
              </tr>
            ))}
            {endpoint.overrides?.map((override) => (
              <tr key={JSON.stringify(override)}>
                <th scope="row">
                  {override.minPromptTokens !== undefined && `Prompts above ${count(override.minPromptTokens)} tokens`}
                  {override.tier !== undefined && ` Served in the tier ${override.tier}`}
                  {override.utc && ` ${windowSentence(override.utc)}`}
                </th>
                <td className="num">
                  {[
                    ...(override.times === undefined ? [] : [`${override.times} times the price`]),
                    ...Object.entries(override.rates).map(([unit, pico]) => `${unit} ${usd(perMillion(pico))}`),
                  ].join(', ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </Section>
  );
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const windowSentence = ({ start, end, days, except }: PriceWindow): string =>
  [
    `${start} to ${end} UTC`,
    ...(days ? [`on ${days.map((day) => DAYS[day - 1]).join(', ')}`] : []),
    ...(except ? [`except ${except.join(', ')}`] : []),
  ].join(' ');

function Capabilities({ sheets, model, endpoint }: { sheets: Sheets; model: Model; endpoint: Endpoint }): ReactNode {
  return (
    <Section id="capabilities" title="Capabilities">
      <ul className="caps">
        {capabilities(sheets, model, endpoint).map(({ label, has }) => (
          <li key={label} className={`badge ${has ? 'badge-good' : ''}`}>
            {label}: {has === undefined ? 'unknown' : has ? 'yes' : 'no'}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function GpuHour({ sheets, hosts, model }: { sheets: Sheets; hosts: readonly Host[]; model: Model }): ReactNode {
  const rented = hosts.filter(({ endpoint }) => endpoint.priceState === 'gpu_hour');
  if (rented.length === 0) return null;
  return (
    <Section id="gpu" title={`GPU-hour providers (${rented.length})`}>
      <ul className="cards">
        {rented.map(({ endpoint, provider }) => (
          <li key={endpoint.id}>
            <a href={pairPath(model.id, provider.id)}>{provider.name}</a>
            <div className="meta">
              <Receipt
                figure={priceFigure(sheets, endpoint, 'input')}
                sheets={sheets}
                label={`${provider.name}, price`}
                price
              />
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Related({
  data,
  sheets,
  model,
  endpoint,
  provider,
}: {
  data: PageData;
  sheets: Sheets;
  model: Model;
  endpoint: Endpoint;
  provider: Provider;
}): ReactNode {
  const related = relatedAt(data, model, endpoint);
  if (related.length === 0) return null;
  return (
    <Section id="related" title={`Related models on ${provider.name}`}>
      <ul className="cards">
        {related.map((host) => (
          <li key={host.endpoint.id}>
            <a href={pairPath(host.endpoint.model, provider.id)}>{data.snapshot.model(host.endpoint.model)?.name}</a>
            <div className="meta">
              <Receipt figure={priceFigure(sheets, host.endpoint, 'input')} sheets={sheets} label="input price" price />{' '}
              in,{' '}
              <Receipt
                figure={priceFigure(sheets, host.endpoint, 'output')}
                sheets={sheets}
                label="output price"
                price
              />{' '}
              out
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
