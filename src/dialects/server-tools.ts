import type { ServerTool } from '../canon/request.ts';
import { asObject } from './read.ts';

/** Tools that run where the model does: this gateway runs none, but a host that does may be told of them (spec/inference 1.4, 9). */

const SEARCH = 'openrouter:web_search';

/** OpenAI's short names of a search by the host. */
const SHORT_NAMES: ReadonlySet<string> = new Set([
  SEARCH,
  'web_search',
  'web_search_preview',
  'web_search_preview_2025_03_11',
  'web_search_2025_08_26',
]);

interface Named {
  readonly type: string;
}

export const isSearch = ({ type }: Named): boolean => SHORT_NAMES.has(type);

/** What a short name says beside itself, as the tool's own parameters. */
function parametersOf(wire: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { type: _type, parameters, filters, ...rest } = wire;
  return { ...rest, ...asObject(filters), ...asObject(parameters) };
}

export function serverTools(wires: readonly Named[] | null | undefined): readonly ServerTool[] | undefined {
  const found = (wires ?? []).flatMap((wire, index): ServerTool[] => {
    if (!isSearch(wire)) return [];
    const parameters = parametersOf({ ...wire });
    const own = Object.keys(parameters).length > 0 ? { parameters } : {};
    return [{ wire: { type: SEARCH, ...own }, pointer: `/tools/${index}` }];
  });
  return found.length > 0 ? found : undefined;
}
