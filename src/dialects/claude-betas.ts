import type { GenerationRequest } from '../canon/request.ts';

/** Features in trial of Claude's maker, by the names that its hosts know (spec/providers B.2.1). */

export const STRUCTURED_OUTPUTS = 'structured-outputs-2025-11-13';

/** Those that callers may ask for: they change how an answer comes, and neither who is paid for it nor how much. */
const CALLERS = new RegExp(
  `^(${[
    'interleaved-thinking',
    'structured-outputs',
    'fine-grained-tool-streaming',
    'token-efficient-tools',
    'advanced-tool-use',
    'context-management',
    'compact',
    'files-api',
    'extended-cache-ttl',
    'output-128k',
  ].join('|')})-\\d{4}-\\d{2}-\\d{2}$`,
);

export const callersBetas = ({ betas }: GenerationRequest): readonly string[] =>
  betas?.filter((name) => CALLERS.test(name)) ?? [];

type Wire = Readonly<Record<string, unknown>>;

const listOf = (value: unknown): readonly Wire[] => (Array.isArray(value) ? (value as readonly Wire[]) : []);

/** What in a body needs which of them. */
const NEEDS: readonly (readonly [string, (body: Wire) => boolean])[] = [
  [STRUCTURED_OUTPUTS, ({ output_config: config }) => (config as Wire | undefined)?.format !== undefined],
  ['context-management-2025-06-27', ({ context_management: edits }) => edits !== undefined],
  [
    'compact-2026-01-12',
    ({ context_management: management }) =>
      listOf((management as Wire | undefined)?.edits).some(({ type }) => String(type).startsWith('compact')),
  ],
  [
    'files-api-2025-04-14',
    ({ messages }) =>
      listOf(messages).some(({ content }) =>
        listOf(content).some(({ source }) => (source as Wire | undefined)?.type === 'file'),
      ),
  ],
  ['mcp-client-2025-11-20', ({ mcp_servers: servers }) => servers !== undefined],
  ['fast-mode-2026-02-01', ({ speed }) => speed === 'fast'],
];

/** Each once: what the body's features need, then what the caller asked for. */
export function betasOf(body: Wire, request: GenerationRequest): readonly string[] {
  const needed = NEEDS.flatMap(([name, needs]) => (needs(body) ? [name] : []));
  return [...new Set([...needed, ...callersBetas(request)])];
}
