import { Fragment, type ReactNode } from 'react';
import type { Provider } from '../catalogue/types.ts';
import { DataPolicySection, policyInShort } from './data-policy-section.tsx';
import { count, DELIVERY_WORDS, pairPath, providerPath } from './format.ts';
import { Layout } from './layout.tsx';
import { Receipt, Scrolling, Section } from './parts.tsx';
import type { PageData } from './ports.ts';
import { priceFigure, Sheets } from './view.ts';

export function ProvidersPage({ data }: { data: PageData }): ReactNode {
  const rows = [...data.snapshot.providers].sort((a, b) => a.name.localeCompare(b.name));
  return (
    <Layout title="Providers" description="All providers of the catalogue." canonical="/providers">
      <h1>Providers</h1>
      <Scrolling label="Providers">
        <table>
          <caption>{rows.length} providers</caption>
          <thead>
            <tr>
              <th scope="col">Provider</th>
              <th scope="col">Kind</th>
              <th scope="col">Wire format</th>
              <th scope="col" className="num">
                Models
              </th>
              <th scope="col">Prompts and answers</th>
              <th scope="col">Here</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((provider) => (
              <tr key={provider.id}>
                <th scope="row">
                  <a href={providerPath(provider.id)}>{provider.name}</a>
                </th>
                <td>{provider.kind}</td>
                <td>{provider.dialect}</td>
                <td className="num">{data.snapshot.endpointsAt(provider.id).length}</td>
                <td>{policyInShort(provider)}</td>
                <td className="short">{here(data, provider)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </Layout>
  );
}

/** Whether this installation can call it. */
function here(data: PageData, provider: Provider): string {
  const reached = data.reached(provider);
  if (reached === 'sandbox') return 'Sandbox';
  if (provider.kind === 'local') return reached === 'real' ? 'Running' : 'Not running';
  return reached === 'real' ? 'Configured' : 'Not configured';
}

function authOf({ auth }: Provider): ReactNode {
  switch (auth.kind) {
    case 'bearer':
      return 'Bearer token';
    case 'header':
      return (
        <>
          Key in <code>{auth.name}</code>
        </>
      );
    case 'aws':
      return 'AWS signature, or a bearer token';
    case 'google':
      return (
        <>
          Tokens of a Google service account, or a key in <code>{auth.name}</code>
        </>
      );
    case 'none':
      return 'No key';
  }
}

const LEAVING = {
  true: 'The stream is cut, and the bill stops',
  false: 'The stream is read to its end, because leaving does not stop the bill',
  undefined: 'Not known whether that stops the bill; the stream is read to its end',
} as const;

/** All that the catalogue says of how to call it; a row without a value is not known. */
function rowsOf(data: PageData, provider: Provider): readonly (readonly [string, ReactNode])[] {
  const code = (text: string | undefined): ReactNode => text && <code>{text}</code>;
  const list = (texts: readonly string[]): ReactNode =>
    texts.map((text, index) => (
      <Fragment key={text}>
        {index > 0 && ', '}
        <code>{text}</code>
      </Fragment>
    ));
  const link = (address: string | undefined): ReactNode => address && <a href={address}>{address}</a>;
  return [
    ['Here', here(data, provider)],
    ['Wire format', provider.dialect],
    ['Base URL', code(provider.base) ?? 'Set by the operator'],
    ['Authentication', authOf(provider)],
    ['Key variables', provider.keyEnv.length > 0 ? list(provider.keyEnv) : 'None'],
    ['List of models', code(provider.listModels)],
    ['Rate limits in headers', provider.rateHeaders === 'none' ? 'None' : provider.rateHeaders],
    ['When a caller leaves', LEAVING[`${provider.cancellation}` as const]],
    ['Peculiarities', provider.quirks.length > 0 ? list(provider.quirks) : 'None'],
    ['Documentation', link(provider.docs)],
    ['Prices', link(provider.pricePage)],
    ['Status', link(provider.statusPage)],
    ['Privacy', link(provider.privacyPolicy)],
  ];
}

export function ProviderPage({ data, provider }: { data: PageData; provider: Provider }): ReactNode {
  const sheets = new Sheets(data.facts);
  const endpoints = data.snapshot.endpointsAt(provider.id);
  const row = sheets.fact(`provider:${provider.id}`, 'dialect');
  return (
    <Layout
      title={provider.name}
      description={`${provider.name}: models, prices and how to call it.`}
      canonical={providerPath(provider.id)}
      crumbs={[{ href: '/providers', label: 'Providers' }]}
    >
      <h1>{provider.name}</h1>
      <p>{provider.about}</p>
      <dl className="facts">
        {rowsOf(data, provider).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value ?? 'Not known'}</dd>
          </div>
        ))}
      </dl>
      {row && (
        <p className="meta">
          This row is from {sheets.source(row.source)?.name ?? row.source}, checked {row.checked}.
        </p>
      )}
      <DataPolicySection provider={provider} />
      <Section id="models" title="Models">
        <Scrolling label={`Models on ${provider.name}`}>
          <table>
            <caption>{count(endpoints.length)} models</caption>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col" className="num">
                  Input / 1M
                </th>
                <th scope="col" className="num">
                  Output / 1M
                </th>
                <th scope="col">Delivery</th>
              </tr>
            </thead>
            <tbody>
              {endpoints.map((endpoint) => (
                <tr key={endpoint.id}>
                  <th scope="row">
                    <a href={pairPath(endpoint.model, provider.id)}>
                      {data.snapshot.model(endpoint.model)?.name ?? endpoint.model}
                    </a>
                  </th>
                  {(['input', 'output'] as const).map((field) => (
                    <td className="num" key={field}>
                      <Receipt
                        figure={priceFigure(sheets, endpoint, field)}
                        sheets={sheets}
                        label={`${endpoint.model}, ${field}`}
                        price
                      />
                    </td>
                  ))}
                  <td>{DELIVERY_WORDS[endpoint.delivery]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolling>
      </Section>
    </Layout>
  );
}
