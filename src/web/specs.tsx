import type { ReactNode } from 'react';
import type { Endpoint, Model, Provider } from '../catalogue/types.ts';
import { count } from './format.ts';
import { Receipt, Section } from './parts.tsx';
import type { PageData } from './ports.ts';
import { type Sheets, textFigure } from './view.ts';

export function Specs({
  sheets,
  model,
  endpoint,
  provider,
}: {
  sheets: Sheets;
  model: Model;
  endpoint: Endpoint;
  provider: Provider;
}): ReactNode {
  const ofModel = (field: string) =>
    textFigure(sheets.fact(`model:${model.id}`, field), (value) => (typeof value === 'number' ? count(value) : value));
  const here = (field: string) =>
    textFigure(sheets.fact(`endpoint:${endpoint.id}`, field), (value) =>
      typeof value === 'number' ? count(value) : value,
    );
  const rows = (list: readonly (readonly [string, ReturnType<typeof ofModel>])[]): ReactNode => (
    <dl className="facts">
      {list.map(([label, figure]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            <Receipt figure={figure} sheets={sheets} label={label} />
          </dd>
        </div>
      ))}
    </dl>
  );
  return (
    <Section id="specs" title="Specs">
      <h3>The model</h3>
      {rows([
        ['Released', ofModel('released')],
        ['Parameters', ofModel('parameters')],
        ['Active parameters', ofModel('active_parameters')],
        ['Architecture', ofModel('architecture')],
        ['Context', ofModel('context_length')],
        ['Longest answer', ofModel('max_output_tokens')],
        ['Knowledge cutoff', ofModel('knowledge_cutoff')],
        ['Licence', ofModel('licence')],
      ])}
      <h3>On {provider.name}</h3>
      {rows([
        ['Context', here('context_length')],
        ['Longest answer', here('max_output_tokens')],
        ['Quantization', here('quantization')],
        ['Reasoning efforts', here('efforts')],
      ])}
    </Section>
  );
}

export function MeasuredHere({ data, endpoint }: { data: PageData; endpoint: Endpoint }): ReactNode {
  const { samples, firstContentMs, tokensPerSecond, uptimePercent } = data.measured(endpoint.id);
  return (
    <Section id="measured" title="Measured by this gateway">
      {samples === 0 ? (
        <p>Not measured yet: no answer of this pair passed here in the last half hour.</p>
      ) : (
        <>
          <dl className="facts">
            <div>
              <dt>First content, median</dt>
              <dd>{firstContentMs === undefined ? 'Not measured' : `${count(Math.round(firstContentMs))} ms`}</dd>
            </div>
            <div>
              <dt>Speed, median</dt>
              <dd>
                {tokensPerSecond === undefined ? 'Not measured' : `${count(Math.round(tokensPerSecond))} tokens/s`}
              </dd>
            </div>
            <div>
              <dt>Uptime</dt>
              <dd>{uptimePercent === undefined ? 'Not measured' : `${uptimePercent} %`}</dd>
            </div>
          </dl>
          <p className="meta">
            {samples} {samples === 1 ? 'answer' : 'answers'} in the last half hour.
          </p>
        </>
      )}
    </Section>
  );
}
