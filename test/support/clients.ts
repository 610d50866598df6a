import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { FunctionCallingConfigMode, GoogleGenAI } from '@google/genai';
import { ChatAnthropic } from '@langchain/anthropic';
import { type AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { generateText, type LanguageModel, stepCountIs, streamText, tool } from 'ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { z } from 'zod';
import type { RunningGateway } from './gateway.ts';

/** The clients people already have, each reduced to the same four things that everybody does with a model. */

type Json = Record<string, any>;

/** What came of it, whatever the client. */
interface Said {
  readonly text: string;
  readonly thought?: string;
  /** Tokens of the answer, where the client tells. */
  readonly output?: number | undefined;
}

export interface OfficialClient {
  readonly name: string;
  whole(model: string, prompt: string): Promise<Said>;
  stream(model: string, prompt: string): Promise<Said>;
  /** Offers a tool, runs it where it is called, and gives its result back. */
  tools(model: string, prompt: string, stream: boolean, run: (city: string) => string): Promise<Said>;
  /** Asks for thoughts. */
  think(model: string, prompt: string, stream: boolean): Promise<Said>;
}

const NAME = 'get_weather';
const ABOUT = 'The weather in a city';
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const LIMIT = 4000;
const BUDGET = 2000;

const cityOf = (input: unknown): string => String((typeof input === 'string' ? JSON.parse(input) : input).city);

function openaiChat({ api, key }: RunningGateway): OfficialClient {
  const client = new OpenAI({ baseURL: api, apiKey: key, maxRetries: 0 });
  const messages = (content: string) => [{ role: 'user' as const, content }];
  const said = ({ choices, usage }: Json): Said => ({
    text: choices[0].message.content ?? '',
    thought: choices[0].message.reasoning ?? '',
    output: usage?.completion_tokens,
  });
  return {
    name: 'openai, chat',
    whole: async (model, prompt) => said(await client.chat.completions.create({ model, messages: messages(prompt) })),
    stream: async (model, prompt) => {
      const stream = client.chat.completions.stream({ model, messages: messages(prompt) });
      return said(await stream.finalChatCompletion());
    },
    tools: async (model, prompt, stream, run) => {
      const parameters = SCHEMA;
      const fn = {
        name: NAME,
        description: ABOUT,
        parameters,
        parse: JSON.parse,
        function: (input: Json) => run(cityOf(input)),
      };
      const body = { model, messages: messages(prompt), tools: [{ type: 'function' as const, function: fn }] };
      const { completions } = client.chat;
      const runner = stream ? completions.runTools({ ...body, stream: true }) : completions.runTools(body);
      return { text: (await runner.finalContent()) ?? '' };
    },
    think: async (model, prompt, stream) => {
      const body = { model, messages: messages(prompt), reasoning_effort: 'high' as const, max_tokens: LIMIT };
      if (!stream) return said(await client.chat.completions.create(body));
      let [text, thought] = ['', ''];
      for await (const { choices } of await client.chat.completions.create({ ...body, stream: true })) {
        const delta = (choices[0]?.delta ?? {}) as Json;
        text += delta.content ?? '';
        thought += delta.reasoning ?? '';
      }
      return { text, thought };
    },
  };
}

function openaiResponses({ api, key }: RunningGateway): OfficialClient {
  const client = new OpenAI({ baseURL: api, apiKey: key, maxRetries: 0 });
  const ask = (body: Json, stream: boolean): Promise<OpenAI.Responses.Response> =>
    stream
      ? client.responses.stream(body as never).finalResponse()
      : (client.responses.create(body as never) as Promise<OpenAI.Responses.Response>);
  const said = ({ output_text, output, usage }: OpenAI.Responses.Response): Said => ({
    text: output_text,
    thought: output
      .flatMap((item) => (item.type === 'reasoning' ? [...(item.content ?? []), ...item.summary] : []))
      .map(({ text }) => text)
      .join(''),
    output: usage?.output_tokens,
  });
  return {
    name: 'openai, responses',
    whole: async (model, input) => said(await ask({ model, input }, false)),
    stream: async (model, input) => said(await ask({ model, input }, true)),
    tools: async (model, prompt, stream, run) => {
      const tools = [{ type: 'function', name: NAME, description: ABOUT, parameters: SCHEMA, strict: true }];
      const input: unknown[] = [{ role: 'user', content: prompt }];
      const first = await ask({ model, input, tools }, stream);
      input.push(...first.output);
      for (const item of first.output)
        if (item.type === 'function_call')
          input.push({ type: 'function_call_output', call_id: item.call_id, output: run(cityOf(item.arguments)) });
      return said(await ask({ model, input, tools }, stream));
    },
    think: async (model, input, stream) =>
      said(
        await ask({ model, input, reasoning: { effort: 'high', summary: 'auto' }, max_output_tokens: LIMIT }, stream),
      ),
  };
}

function anthropic({ url, key }: RunningGateway): OfficialClient {
  const client = new Anthropic({ baseURL: `${url}/api`, apiKey: key, maxRetries: 0 });
  const ask = (
    body: Partial<Anthropic.MessageCreateParamsNonStreaming>,
    stream: boolean,
  ): Promise<Anthropic.Message> => {
    const whole = { max_tokens: LIMIT, ...body } as Anthropic.MessageCreateParamsNonStreaming;
    return stream ? client.messages.stream(whole).finalMessage() : client.messages.create(whole);
  };
  const user = (content: Anthropic.MessageParam['content']): Anthropic.MessageParam => ({ role: 'user', content });
  const said = ({ content, usage }: Anthropic.Message): Said => ({
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    thought: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    output: usage.output_tokens,
  });
  return {
    name: '@anthropic-ai/sdk',
    whole: async (model, prompt) => said(await ask({ model, messages: [user(prompt)] }, false)),
    stream: async (model, prompt) => said(await ask({ model, messages: [user(prompt)] }, true)),
    tools: async (model, prompt, stream, run) => {
      const tools = [{ name: NAME, description: ABOUT, input_schema: SCHEMA as Anthropic.Tool.InputSchema }];
      const first = await ask({ model, tools, messages: [user(prompt)] }, stream);
      const results = first.content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: run(cityOf(block.input)) }]
          : [],
      );
      const messages = [user(prompt), { role: 'assistant' as const, content: first.content }, user(results)];
      return said(await ask({ model, tools, messages }, stream));
    },
    think: async (model, prompt, stream) => {
      const thinking = { type: 'enabled' as const, budget_tokens: BUDGET };
      return said(await ask({ model, thinking, messages: [user(prompt)] }, stream));
    },
  };
}

function genai({ url, key }: RunningGateway): OfficialClient {
  const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
  const ask = async (
    body: Json,
    stream: boolean,
  ): Promise<{ readonly parts: readonly Json[]; readonly output: number }> => {
    const answers = stream
      ? await client.models.generateContentStream(body as never)
      : [await client.models.generateContent(body as never)];
    const parts: Json[] = [];
    let output = 0;
    for await (const { candidates, usageMetadata } of answers) {
      parts.push(...((candidates?.[0]?.content?.parts ?? []) as Json[]));
      output = usageMetadata?.candidatesTokenCount ?? output;
    }
    return { parts, output };
  };
  const said = ({ parts, output }: Awaited<ReturnType<typeof ask>>): Said => ({
    text: parts.map(({ text, thought }) => (thought ? '' : (text ?? ''))).join(''),
    thought: parts.map(({ text, thought }) => (thought ? text : '')).join(''),
    output,
  });
  return {
    name: '@google/genai',
    whole: async (model, contents) => said(await ask({ model, contents }, false)),
    stream: async (model, contents) => said(await ask({ model, contents }, true)),
    tools: async (model, prompt, stream, run) => {
      const config = {
        tools: [{ functionDeclarations: [{ name: NAME, description: ABOUT, parametersJsonSchema: SCHEMA }] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
      };
      const contents: Json[] = [{ role: 'user', parts: [{ text: prompt }] }];
      const { parts } = await ask({ model, contents, config }, stream);
      const results = parts.flatMap(({ functionCall }) =>
        functionCall
          ? [
              {
                functionResponse: {
                  id: functionCall.id,
                  name: NAME,
                  response: { output: run(cityOf(functionCall.args)) },
                },
              },
            ]
          : [],
      );
      contents.push({ role: 'model', parts }, { role: 'user', parts: results });
      return said(await ask({ model, contents, config }, stream));
    },
    think: async (model, contents, stream) => {
      const thinkingConfig = { includeThoughts: true, thinkingBudget: BUDGET };
      return said(await ask({ model, contents, config: { thinkingConfig, maxOutputTokens: LIMIT } }, stream));
    },
  };
}

function ollama({ url, key }: RunningGateway): OfficialClient {
  const client = new Ollama({ host: url, headers: { authorization: `Bearer ${key}` } });
  const ask = async (body: Json, stream: boolean): Promise<Json> => {
    if (!stream) return (await client.chat({ ...body, stream: false } as never)) as Json;
    const message: Json = { role: 'assistant', content: '', thinking: '', tool_calls: [] };
    let last: Json = {};
    for await (const line of (await client.chat({
      ...body,
      stream: true,
    } as never)) as unknown as AsyncIterable<Json>) {
      message.content += line.message.content ?? '';
      message.thinking += line.message.thinking ?? '';
      message.tool_calls.push(...(line.message.tool_calls ?? []));
      last = line;
    }
    return { ...last, message };
  };
  const said = ({ message, eval_count }: Json): Said => ({
    text: message.content,
    thought: message.thinking ?? '',
    output: eval_count,
  });
  const user = (content: string): Json => ({ role: 'user', content });
  return {
    name: 'ollama',
    whole: async (model, prompt) => said(await ask({ model, messages: [user(prompt)] }, false)),
    stream: async (model, prompt) => said(await ask({ model, messages: [user(prompt)] }, true)),
    tools: async (model, prompt, stream, run) => {
      const tools = [{ type: 'function', function: { name: NAME, description: ABOUT, parameters: SCHEMA } }];
      const { message } = await ask({ model, tools, messages: [user(prompt)] }, stream);
      const results = (message.tool_calls as readonly Json[]).map(({ function: { arguments: input } }) => ({
        role: 'tool',
        tool_name: NAME,
        content: run(cityOf(input)),
      }));
      return said(await ask({ model, tools, messages: [user(prompt), message, ...results] }, stream));
    },
    think: async (model, prompt, stream) =>
      said(await ask({ model, think: true, options: { num_predict: LIMIT }, messages: [user(prompt)] }, stream)),
  };
}

/** Vercel's `ai` with any of its providers. */
function ai(
  name: string,
  model: (id: string, thinking: boolean) => LanguageModel,
  thinking: Parameters<typeof generateText>[0]['providerOptions'],
): OfficialClient {
  const collected = async (result: ReturnType<typeof streamText>): Promise<Said> => {
    let text = '';
    for await (const part of result.fullStream) {
      if (part.type === 'text-delta') text += part.text;
      if (part.type === 'error') throw part.error;
    }
    const thought = (await result.reasoningText) ?? '';
    return { text, thought, output: (await result.usage).outputTokens };
  };
  const ask = async (options: Parameters<typeof generateText>[0], stream: boolean): Promise<Said> => {
    if (stream) return collected(streamText({ ...options, maxRetries: 0 } as Parameters<typeof streamText>[0]));
    const { text, reasoningText, usage } = await generateText({ ...options, maxRetries: 0 });
    return { text, thought: reasoningText ?? '', output: usage.outputTokens };
  };
  return {
    name,
    whole: (id, prompt) => ask({ model: model(id, false), prompt }, false),
    stream: (id, prompt) => ask({ model: model(id, false), prompt }, true),
    tools: (id, prompt, stream, run) => {
      const weather = tool({
        description: ABOUT,
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => run(city),
      });
      return ask({ model: model(id, false), prompt, stopWhen: stepCountIs(3), tools: { [NAME]: weather } }, stream);
    },
    think: (id, prompt, stream) =>
      ask(
        { model: model(id, true), prompt, maxOutputTokens: LIMIT, ...(thinking && { providerOptions: thinking }) },
        stream,
      ),
  };
}

interface Chain {
  invoke(messages: unknown): Promise<AIMessageChunk>;
  stream(messages: unknown): Promise<AsyncIterable<AIMessageChunk>>;
}

function langchain(
  name: string,
  model: (id: string, tools: boolean, thinking: boolean) => Chain,
  thoughtOf: (message: AIMessageChunk) => string,
): OfficialClient {
  const ask = async (chain: Chain, messages: unknown[], stream: boolean): Promise<AIMessageChunk> => {
    if (!stream) return chain.invoke(messages);
    let all: AIMessageChunk | undefined;
    for await (const chunk of await chain.stream(messages)) all = all ? all.concat(chunk) : chunk;
    if (!all) throw new Error('nothing came');
    return all;
  };
  const said = (message: AIMessageChunk): Said => ({
    text: message.text,
    thought: thoughtOf(message),
    output: (message as Json).usage_metadata?.output_tokens,
  });
  return {
    name,
    whole: async (id, prompt) => said(await ask(model(id, false, false), [new HumanMessage(prompt)], false)),
    stream: async (id, prompt) => said(await ask(model(id, false, false), [new HumanMessage(prompt)], true)),
    tools: async (id, prompt, stream, run) => {
      const chain = model(id, true, false);
      const first = await ask(chain, [new HumanMessage(prompt)], stream);
      const results = (first.tool_calls ?? []).map(
        ({ id: call, args }) => new ToolMessage({ tool_call_id: call ?? '', content: run(cityOf(args)) }),
      );
      return said(await ask(chain, [new HumanMessage(prompt), first, ...results], stream));
    },
    think: async (id, prompt, stream) => said(await ask(model(id, false, true), [new HumanMessage(prompt)], stream)),
  };
}

const TOOL = { type: 'function' as const, function: { name: NAME, description: ABOUT, parameters: SCHEMA } };

export function officialClients(gateway: RunningGateway): readonly OfficialClient[] {
  const { url, api, key } = gateway;
  const openai = createOpenAI({ baseURL: api, apiKey: key });
  const claude = createAnthropic({ baseURL: `${api}`, apiKey: key });
  const google = createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey: key });
  const openRouter = createOpenRouter({ baseURL: api, apiKey: key });
  return [
    openaiChat(gateway),
    openaiResponses(gateway),
    anthropic(gateway),
    genai(gateway),
    ollama(gateway),
    ai('ai, @ai-sdk/openai chat', (id) => openai.chat(id), undefined),
    ai('ai, @ai-sdk/openai responses', (id) => openai.responses(id), {
      openai: { forceReasoning: true, reasoningEffort: 'high', reasoningSummary: 'auto' },
    }),
    ai('ai, @ai-sdk/anthropic', (id) => claude(id), {
      anthropic: { thinking: { type: 'enabled', budgetTokens: BUDGET } },
    }),
    ai('ai, @ai-sdk/google', (id) => google(id), {
      google: { thinkingConfig: { includeThoughts: true, thinkingBudget: BUDGET } },
    }),
    ai(
      'ai, @openrouter/ai-sdk-provider',
      (id, thinking) => openRouter.chat(id, thinking ? { reasoning: { max_tokens: BUDGET } } : {}),
      undefined,
    ),
    langchain(
      'langchain, ChatOpenAI',
      (id, tools, thinking) => {
        const chat = new ChatOpenAI({
          model: id,
          apiKey: key,
          maxRetries: 0,
          configuration: { baseURL: api },
          ...(thinking && { modelKwargs: { reasoning: { max_tokens: BUDGET } } }),
        });
        return (tools ? chat.bindTools([TOOL]) : chat) as unknown as Chain;
      },
      ({ additional_kwargs }) => String(additional_kwargs.reasoning_content ?? additional_kwargs.reasoning ?? ''),
    ),
    langchain(
      'langchain, ChatAnthropic',
      (id, tools, thinking) => {
        const chat = new ChatAnthropic({
          model: id,
          apiKey: key,
          anthropicApiUrl: `${url}/api`,
          maxRetries: 0,
          maxTokens: LIMIT,
          ...(thinking && { thinking: { type: 'enabled' as const, budget_tokens: BUDGET } }),
        });
        return (tools ? chat.bindTools([TOOL]) : chat) as unknown as Chain;
      },
      ({ content }) =>
        Array.isArray(content)
          ? (content as readonly Json[])
              .map((block) => (block.type === 'thinking' ? (block.thinking ?? '') : ''))
              .join('')
          : '',
    ),
  ];
}
