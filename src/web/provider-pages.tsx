import type { ReactNode } from 'react';
import type { Provider } from '../catalogue/types.ts';
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
                <td>{here(data, provider)}</td>
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

export function ProviderPage({ data, provider }: { data: PageData; provider: Provider }): ReactNode {
  const sheets = new Sheets(data.facts);
  const endpoints = data.snapshot.endpointsAt(provider.id);
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
        {(
          [
            ['Here', here(data, provider)],
            ['Base URL', provider.base],
            ['Key variable', provider.keyEnv[0]],
            ['Documentation', provider.docs],
            ['Prices', provider.pricePage],
            ['Status', provider.statusPage],
            ['Privacy', provider.privacyPolicy],
          ] as const
        ).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {value === undefined ? (
                'Not sourced'
              ) : value.startsWith('https://') && label !== 'Base URL' ? (
                <a href={value}>{value}</a>
              ) : label === 'Here' ? (
                value
              ) : (
                <code>{value}</code>
              )}
            </dd>
          </div>
        ))}
      </dl>
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
