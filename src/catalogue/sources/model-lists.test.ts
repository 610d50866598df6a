import { describe, expect, it } from 'bun:test';
import { readModelDetails, readModelList } from './model-lists.ts';

const mistral = (id: string, name: string, aliases: readonly string[], more: object = {}): object => ({
  id,
  object: 'model',
  created: 1_790_000_000,
  owned_by: 'mistralai',
  name,
  aliases,
  max_context_length: 262_144,
  deprecation: null,
  deprecation_replacement_model: null,
  type: 'base',
  capabilities: { completion_chat: true, function_calling: true, reasoning: false, vision: true, ocr: false },
  ...more,
});

describe('a list of models', () => {
  it('UP-144 has one row for a model that it names three times, with what it can do, its size, its end and what comes after', () => {
    const old = { deprecation: '2026-12-31T12:00:00Z', deprecation_replacement_model: 'mistral-small-2603' };
    const rows = [
      mistral('mistral-small-latest', 'mistral-small-2603', ['mistral-small-2603', 'mistral-small-4']),
      mistral('mistral-small-2603', 'mistral-small-2603', ['mistral-small-latest', 'mistral-small-4']),
      mistral('mistral-small-4', 'mistral-small-2603', ['mistral-small-2603', 'mistral-small-latest']),
      // Known by the name alone, with no aliases told.
      mistral('mistral-small-2506', 'mistral-small-2506', [], { ...old, max_context_length: 131_072 }),
      mistral('mistral-small-old', 'mistral-small-2506', [], old),
      mistral('magistral-2509', 'magistral-2509', [], {
        capabilities: { completion_chat: true, function_calling: true, reasoning: true, vision: false },
      }),
      mistral('mistral-ocr-2503', 'mistral-ocr-2503', [], { capabilities: { completion_chat: false, ocr: true } }),
      mistral('mistral-embed', 'mistral-embed', [], { capabilities: undefined }),
    ];
    for (const order of [rows, rows.toReversed()]) {
      const models = readModelList({ object: 'list', data: order })?.models ?? [];
      const of = (id: string): object | undefined => models.find((model) => model.id === id);
      expect(models.map(({ id }) => id).sort()).toEqual(
        ['magistral-2509', 'mistral-embed', 'mistral-ocr-2503', 'mistral-small-2506', 'mistral-small-2603'].sort(),
      );
      expect(of('mistral-small-2603')).toEqual({
        id: 'mistral-small-2603',
        aliases: ['mistral-small-4', 'mistral-small-latest'],
        owner: 'mistralai',
        created: 1_790_000_000,
        contextLength: 262_144,
        inputModalities: ['text', 'image'],
        outputModalities: ['text'],
        abilities: ['tools'],
      });
      expect(of('mistral-small-2506')).toMatchObject({
        aliases: ['mistral-small-old'],
        contextLength: 131_072,
        retires: '2026-12-31',
        replacement: 'mistral-small-2603',
      });
      expect(of('magistral-2509')).toMatchObject({ abilities: ['tools', 'reasoning'], inputModalities: ['text'] });
      expect(of('mistral-ocr-2503')).toMatchObject({ outputModalities: [] });
      expect(of('mistral-embed')).not.toHaveProperty('outputModalities');
    }
  });

  it.each<[string, unknown, object, object | undefined]>([
    [
      'OpenAI’s',
      { object: 'list', data: [{ id: 'gpt-5', object: 'model', created: 1_754_000_000, owned_by: 'openai' }] },
      { id: 'gpt-5', owner: 'openai', created: 1_754_000_000 },
      undefined,
    ],
    [
      'Together’s bare array',
      [{ id: 'Qwen/Qwen3', type: 'chat', display_name: 'Qwen 3', created: 5, context_length: 40_960 }],
      { id: 'Qwen/Qwen3', name: 'Qwen 3', created: 5, contextLength: 40_960, outputModalities: ['text'] },
      undefined,
    ],
    [
      'Gemini’s pages',
      {
        models: [
          {
            name: 'models/gemini-2.5-flash',
            displayName: 'Gemini 2.5 Flash',
            inputTokenLimit: 1_048_576,
            outputTokenLimit: 65_536,
            supportedGenerationMethods: ['generateContent', 'countTokens'],
            thinking: true,
          },
        ],
        nextPageToken: 'p2',
      },
      {
        id: 'gemini-2.5-flash',
        name: 'Gemini 2.5 Flash',
        contextLength: 1_048_576,
        maxOutputTokens: 65_536,
        outputModalities: ['text'],
        abilities: ['reasoning'],
      },
      { pageToken: 'p2' },
    ],
    [
      'Anthropic’s pages',
      {
        data: [{ type: 'model', id: 'claude-x', display_name: 'Claude X', created_at: '2026-02-01T00:00:00Z' }],
        has_more: true,
        last_id: 'claude-x',
      },
      { id: 'claude-x', name: 'Claude X', created: 1_769_904_000 },
      { after_id: 'claude-x' },
    ],
    [
      'Ollama’s tags',
      {
        models: [{ name: 'llama3.2:latest', model: 'llama3.2:latest', size: 2_019_393_189, digest: 'a', details: {} }],
      },
      { id: 'llama3.2:latest' },
      undefined,
    ],
    [
      'GitHub’s array',
      [
        {
          id: 'openai/gpt-4.1',
          name: 'OpenAI GPT-4.1',
          publisher: 'OpenAI',
          limits: { max_input_tokens: 1_048_576, max_output_tokens: 32_768 },
          supported_input_modalities: ['text', 'image'],
          supported_output_modalities: ['text'],
          capabilities: ['streaming', 'tool-calling'],
        },
      ],
      {
        id: 'openai/gpt-4.1',
        name: 'OpenAI GPT-4.1',
        owner: 'OpenAI',
        contextLength: 1_048_576,
        maxOutputTokens: 32_768,
        inputModalities: ['text', 'image'],
        outputModalities: ['text'],
        abilities: ['tools'],
      },
      undefined,
    ],
    [
      'Bedrock’s summaries',
      {
        modelSummaries: [
          {
            modelId: 'amazon.titan-embed-text-v2:0',
            modelName: 'Titan Text Embeddings V2',
            inputModalities: ['TEXT'],
            outputModalities: ['EMBEDDING'],
            modelLifecycle: { status: 'LEGACY', endOfLifeTime: '2027-03-01T00:00:00Z' },
          },
        ],
      },
      {
        id: 'amazon.titan-embed-text-v2:0',
        name: 'Titan Text Embeddings V2',
        inputModalities: ['text'],
        outputModalities: ['embeddings'],
        retires: '2027-03-01',
      },
      undefined,
    ],
    [
      'vLLM’s',
      { object: 'list', data: [{ id: 'mistral-small-4', owned_by: 'vllm', root: '/models/x', max_model_len: 65_536 }] },
      { id: 'mistral-small-4', owner: 'vllm', contextLength: 65_536 },
      undefined,
    ],
    [
      'llama.cpp’s, which says everything twice',
      {
        models: [{ name: 'qwen.gguf', model: 'qwen.gguf', capabilities: ['completion'] }],
        object: 'list',
        data: [{ id: 'qwen.gguf', owned_by: 'llamacpp', meta: { n_ctx_train: 131_072, n_params: 8e9 } }],
      },
      { id: 'qwen.gguf', owner: 'llamacpp', contextLength: 131_072 },
      undefined,
    ],
    [
      'LM Studio’s, loaded with less than the model takes',
      {
        data: [
          {
            id: 'qwen2-vl-7b',
            type: 'vlm',
            state: 'loaded',
            max_context_length: 32_768,
            loaded_context_length: 4096,
            capabilities: ['tool_use'],
          },
        ],
      },
      {
        id: 'qwen2-vl-7b',
        contextLength: 4096,
        inputModalities: ['text', 'image'],
        outputModalities: ['text'],
        abilities: ['tools'],
      },
      undefined,
    ],
    [
      'Cloudflare’s numbered rows',
      {
        result: [{ id: '0a1b2c3d-0000-4000-8000-0123456789ab', source: 1, name: '@cf/meta/llama-3', description: 'x' }],
        success: true,
      },
      { id: '@cf/meta/llama-3' },
      undefined,
    ],
    [
      'Replicate’s pages',
      {
        next: 'https://api.replicate.com/v1/models?cursor=cD0y',
        previous: null,
        results: [{ owner: 'meta', name: 'llama-3-8b', created_at: '2026-02-01T00:00:00Z' }],
      },
      { id: 'meta/llama-3-8b', owner: 'meta', created: 1_769_904_000 },
      { cursor: 'cD0y' },
    ],
  ])('UP-156 may have the form of %s', (_name, wire, model, next) => {
    const page = readModelList(wire);
    expect(page?.models).toEqual([expect.objectContaining({ aliases: [], ...model })]);
    expect(page?.next).toEqual(next as never);
  });

  it('keeps its good rows whatever the others are, and is none where there are no rows', () => {
    const data = [null, 7, 'x', {}, { id: 5 }, { id: 'a', context_length: 'long', aliases: 'b', capabilities: 3 }];
    expect(readModelList({ data })?.models).toEqual([{ id: 'a', aliases: [] }]);
    for (const wire of [null, 'Hello', 7, {}, { data: {} }, { models: 'none' }])
      expect(readModelList(wire)).toBeUndefined();
  });
});

describe('details', () => {
  it('of Ollama: abilities, and the context under a name of its family', () => {
    const wire = {
      capabilities: ['completion', 'tools', 'vision', 'thinking'],
      model_info: { 'general.architecture': 'llama', 'llama.context_length': 131_072 },
    };
    expect(readModelDetails(wire)).toEqual({
      contextLength: 131_072,
      abilities: ['tools', 'reasoning'],
      inputModalities: ['text', 'image'],
      outputModalities: ['text'],
    });
    expect(readModelDetails({ capabilities: ['embedding'] })).toMatchObject({ outputModalities: ['embeddings'] });
  });

  it('of servers with one model: how much they were started with', () => {
    expect(readModelDetails({ max_total_tokens: 8192 })).toEqual({ contextLength: 8192 });
    const props = { default_generation_settings: { n_ctx: 4096 }, modalities: { vision: true, audio: false } };
    expect(readModelDetails(props)).toEqual({ contextLength: 4096, inputModalities: ['text', 'image'] });
    expect(readModelDetails('no')).toEqual({});
  });
});
