import type { ReactNode } from 'react';
import { STATES } from '../catalogue/types.ts';
import { CONFLICT_WORDS, RULE_WORDS, STATE_WORDS, usd } from './format.ts';
import type { Figure, Sheets } from './view.ts';

/** Value or state in words, never blank, with its receipt: source, date, the rule that decided, and who differs. */
export function Receipt({
  figure,
  sheets,
  label,
  price = false,
}: {
  figure: Figure;
  sheets: Sheets;
  label: string;
  price?: boolean;
}): ReactNode {
  const { text, state, fact } = figure;
  return (
    <span className="figure">
      {text === '' ? <Chip state={state} /> : <span className="value">{text}</span>}
      {text !== '' && (state === 'disputed' || state === 'stale' || state === 'retired') && <Chip state={state} />}
      {fact && (
        <details className="receipt">
          <summary aria-label={`Source of ${label}`}>
            <span aria-hidden="true">§</span>
          </summary>
          <span className="receipt-body">
            <span>
              {sheets.source(fact.source)?.name ?? fact.source}, checked {fact.checked}
            </span>
            {fact.supports.length > 0 && (
              <span>
                Also:{' '}
                {fact.supports
                  .map(({ source, checked }) => `${sheets.source(source)?.name ?? source} ${checked}`)
                  .join('; ')}
              </span>
            )}
            <span>{RULE_WORDS[fact.rule] ?? fact.rule}</span>
            {fact.note !== undefined && <span>{fact.note}</span>}
            {fact.dissents.map((dissent) => (
              <span key={`${dissent.source}${dissent.checked}${String(dissent.value)}`}>
                Differs: {shown(dissent.value, dissent.state, price)},{' '}
                {sheets.source(dissent.source)?.name ?? dissent.source} {dissent.checked} (
                {CONFLICT_WORDS[dissent.conflict] ?? dissent.conflict}
                {dissent.note !== undefined && `: ${dissent.note}`})
              </span>
            ))}
          </span>
        </details>
      )}
    </span>
  );
}

function shown(
  value: Figure['fact'] extends infer F ? (F extends { value: infer V } ? V : never) : never,
  state: Figure['state'],
  price: boolean,
): string {
  if (value === null) return STATE_WORDS[state];
  if (typeof value === 'number') return value.toLocaleString('en-US');
  if (price && typeof value === 'string') return usd(value);
  return typeof value === 'object' ? value.join(', ') : String(value);
}

function Chip({ state }: { state: Figure['state'] }): ReactNode {
  return (
    <span className={`chip chip-${state}`} title={STATES[state]}>
      {STATE_WORDS[state]}
    </span>
  );
}

/** Code that can be copied; the button appears where a script can do it. */
export function Code({ text, label }: { text: string; label: string }): ReactNode {
  return (
    <div className="code">
      <button type="button" className="copy" hidden aria-label={`Copy ${label}`}>
        Copy
      </button>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="scroll-code" tabIndex={0} aria-label={label}>
        <pre>
          <code>{text}</code>
        </pre>
      </section>
    </div>
  );
}

export function Section({ id, title, children }: { id: string; title: string; children: ReactNode }): ReactNode {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** A table that scrolls by itself where the screen is narrow. */
export function Scrolling({ label, children }: { label: string; children: ReactNode }): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
