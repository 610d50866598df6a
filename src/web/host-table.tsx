import type { ReactNode } from 'react';
import type { Model } from '../catalogue/types.ts';
import { count, DELIVERY_WORDS, pairPath } from './format.ts';
import { Receipt, Scrolling } from './parts.tsx';
import type { PageData } from './ports.ts';
import { type Host, priceFigure, type Sheets, textFigure, tierFigure, tiersOf } from './view.ts';

/** All hosts and those with a price are two numbers (REF-049). */
export function hostCount(hosts: readonly Host[]): string {
  const priced = hosts.filter(({ endpoint }) => endpoint.priceState === 'listed').length;
  return `${hosts.length} ${hosts.length === 1 ? 'provider' : 'providers'}, ${priced} with a price per token`;
}

const COLUMNS = ['input', 'output', 'cache-read'] as const;

export function HostTable({
  data,
  sheets,
  model,
  hosts,
  current,
}: {
  data: PageData;
  sheets: Sheets;
  model: Model;
  hosts: readonly Host[];
  current?: string;
}): ReactNode {
  return (
    <Scrolling label={`Providers of ${model.name}`}>
      <table>
        <caption>{hostCount(hosts)}. Cheapest first; what has no price per token comes last.</caption>
        <thead>
          <tr>
            <th scope="col">Provider</th>
            <th scope="col" className="num">
              Input / 1M
            </th>
            <th scope="col" className="num">
              Output / 1M
            </th>
            <th scope="col" className="num">
              Cached / 1M
            </th>
            <th scope="col" className="num">
              Context
            </th>
            <th scope="col">Delivery</th>
          </tr>
        </thead>
        <tbody>
          {hosts.flatMap(({ endpoint, provider }) => [
            <tr key={endpoint.id} aria-current={endpoint.id === current ? 'page' : undefined}>
              <th scope="row">
                <a href={pairPath(model.id, provider.id)}>{provider.name}</a>
                {endpoint.id === current && <span className="meta"> (this page)</span>}
              </th>
              {COLUMNS.map((field) => (
                <td className="num" key={field}>
                  <Receipt
                    figure={priceFigure(sheets, endpoint, field)}
                    sheets={sheets}
                    label={`${provider.name}, ${field}`}
                    price
                  />
                </td>
              ))}
              <td className="num">
                <Receipt
                  figure={textFigure(sheets.fact(`endpoint:${endpoint.id}`, 'context_length'), (value) =>
                    typeof value === 'number' ? count(value) : value,
                  )}
                  sheets={sheets}
                  label={`${provider.name}, context`}
                />
              </td>
              <td>{DELIVERY_WORDS[endpoint.delivery]}</td>
            </tr>,
            ...tiersOf(data, endpoint, model).map((tier) => (
              <tr key={tier.id}>
                <th scope="row">
                  {provider.name} <span className="meta">in the {tier.tier} tier, when asked for</span>
                </th>
                {COLUMNS.map((field) => (
                  <td className="num" key={field}>
                    <Receipt
                      figure={tierFigure(sheets, tier, field)}
                      sheets={sheets}
                      label={`${provider.name}, ${field}`}
                      price
                    />
                  </td>
                ))}
                <td className="num">As above</td>
                <td>{DELIVERY_WORDS[tier.delivery]}</td>
              </tr>
            )),
          ])}
        </tbody>
      </table>
    </Scrolling>
  );
}
