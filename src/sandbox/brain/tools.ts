import { createHash } from 'node:crypto';
import type { GenerationRequest, Tool, ToolCall } from '../../canon/request.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import { instanceOf } from './instance.ts';
import { keywordsIn, type Prompt } from './prompt.ts';

const CALLS_MAX = 4;

/** The tool a prompt asks for: one the caller insists on, else the first whose words the prompt shares; undefined for none. */
function suitable(request: GenerationRequest, prompt: Prompt): Tool | undefined {
  const { tools, toolChoice } = request;
  if (toolChoice?.kind === 'none') return undefined;
  if (toolChoice?.kind === 'named') return tools.find((tool) => tool.name === toolChoice.name);
  if (toolChoice?.kind !== 'required' && prompt.toolResults.length > 0) return undefined;
  const spoken = new Set(prompt.keywords);
  const shares = (words: string): boolean =>
    keywordsIn(words.replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ')).some((word) => spoken.has(word));
  const asked = tools.find((tool) => shares(tool.name)) ?? tools.find((tool) => shares(tool.description ?? ''));
  return asked ?? (toolChoice?.kind === 'required' ? tools[0] : undefined);
}

/** @returns no calls where none are due; fails where the tool's schema is beyond the sandbox */
export function toolCalls(
  request: GenerationRequest,
  prompt: Prompt,
): Result<readonly ToolCall[], { readonly pointer: string; readonly problem: string }> {
  const tool = suitable(request, prompt);
  if (!tool) return ok([]);
  const calls: ToolCall[] = [];
  for (const one of occasions(request, prompt, tool)) {
    const filled = instanceOf(tool.parameters ?? { type: 'object' }, one, { optional: false });
    if (!filled.ok) return fail(filled.error);
    const text = JSON.stringify(filled.value);
    calls.push({
      id: callId(`${request.messages.length} ${calls.length} ${tool.name} ${text}`),
      name: tool.name,
      arguments: text,
    });
  }
  return ok(calls);
}

/** "Paris and Rome" are two occasions for a tool that takes one place. */
function occasions(request: GenerationRequest, prompt: Prompt, tool: Tool): readonly Prompt[] {
  const properties = Object.entries(Object(tool.parameters?.properties) as Record<string, unknown>);
  const required: readonly unknown[] = Array.isArray(tool.parameters?.required)
    ? tool.parameters.required
    : properties.map(([key]) => key);
  const strings = properties.filter(([key, value]) => required.includes(key) && takesText(value));
  if (request.parallelToolCalls === false || strings.length !== 1 || prompt.names.length < 2) return [prompt];
  return prompt.names.slice(0, CALLS_MAX).map((name) => ({ ...prompt, names: [name] }));
}

const takesText = (schema: unknown): boolean => {
  const { type, enum: values, format } = Object(schema) as { type?: unknown; enum?: unknown; format?: unknown };
  return type === 'string' && values === undefined && format === undefined;
};

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Nine alphanumerics, which every host takes back (spec/providers B.14). */
function callId(seed: string): string {
  return [...createHash('sha256').update(seed).digest().subarray(0, 9)].map((byte) => BASE62[byte % 62]).join('');
}
