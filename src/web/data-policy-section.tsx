import type { ReactNode } from 'react';
import type { DataPolicy } from '../catalogue/data-policy.ts';
import type { Provider } from '../catalogue/types.ts';
import { Section } from './parts.tsx';

const NOT_KNOWN = 'Not known';

const ZERO_RETENTION_WORDS: Readonly<Record<NonNullable<DataPolicy['zeroRetention']>, string>> = {
  default: 'By default',
  setting: 'By a setting of the account or the request',
  agreement: 'By agreement with the provider',
  never: 'Not offered',
};

const trains = ({ trainsOnPrompts }: DataPolicy): string =>
  trainsOnPrompts === undefined ? NOT_KNOWN : trainsOnPrompts ? 'Yes, unless the customer objects' : 'No';

function keeps({ retentionDays }: DataPolicy): string {
  if (retentionDays === undefined) return NOT_KNOWN;
  if (retentionDays === 0) return 'Not kept';
  return retentionDays === 1 ? 'Up to a day' : `Up to ${retentionDays} days`;
}

const TRAINING_IN_SHORT = { true: 'trains', false: 'no training', undefined: 'training not known' } as const;

function keptInShort(policy: DataPolicy): string {
  if (policy.retentionDays === 0) return 'nothing kept';
  if (policy.retentionDays !== undefined) return `kept ${keeps(policy).toLowerCase()}`;
  if (policy.zeroRetention === 'setting' || policy.zeroRetention === 'agreement')
    return `zero retention by ${policy.zeroRetention}`;
  return 'retention not known';
}

/** The policy in a cell of a table. */
export function policyInShort({ policy }: Provider): string {
  if (policy === undefined) return NOT_KNOWN;
  const text = `${TRAINING_IN_SHORT[`${policy.trainsOnPrompts}` as const]}, ${keptInShort(policy)}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${policy.passesOn ? ' (router)' : ''}`;
}

/** What a provider does with prompts and answers, each word with the page it is from; what nobody has said is not known. */
export function DataPolicySection({ provider }: { provider: Provider }): ReactNode {
  const { policy } = provider;
  const regions = policy?.regions ?? [];
  const rows = [
    ['Trains on prompts', policy ? trains(policy) : NOT_KNOWN],
    ['Keeps prompts and answers', policy ? keeps(policy) : NOT_KNOWN],
    ['Zero retention', policy?.zeroRetention === undefined ? NOT_KNOWN : ZERO_RETENTION_WORDS[policy.zeroRetention]],
    ['Regions', regions.length === 0 ? NOT_KNOWN : regions.map((region) => region.toUpperCase()).join(', ')],
  ] as const;
  return (
    <Section id="data-policy" title="Data policy">
      <dl className="facts">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {policy?.note !== undefined && <p>{policy.note}</p>}
      {policy?.passesOn === true && (
        <p>This is the policy of {provider.name} itself. Whoever is behind it has a policy too.</p>
      )}
      <p className="meta">
        {policy ? <Origin policy={policy} /> : `No page of ${provider.name} has been read for this yet.`}
      </p>
    </Section>
  );
}

function Origin({ policy: { source, checked } }: { policy: DataPolicy }): ReactNode {
  if (source === 'own-machine')
    return `Its operator runs it, so that nothing leaves the operator’s machine. Checked ${checked}.`;
  if (source.length === 0) return `By its operator’s word, in ${checked}.`;
  return (
    <>
      By the provider’s own word, checked {checked}:{' '}
      {source.map((page, index) => (
        <span key={page}>
          {index > 0 && ', '}
          <a href={page}>{page.replace(/^https?:\/\/(?:www\.)?/, '')}</a>
        </span>
      ))}
    </>
  );
}
