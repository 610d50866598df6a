import { describe, expect, it } from 'bun:test';
import { type DeriveInput, deriveParameters } from './derive-parameters.ts';

const derive = (over: Partial<DeriveInput> = {}) =>
  deriveParameters({ features: ['temperature'], writesText: true, add: [], remove: [], ...over });

describe('deriveParameters', () => {
  it('takes the common knobs where nothing is known', () => {
    expect(derive({ features: undefined })).toEqual([
      'temperature',
      'top_p',
      'frequency_penalty',
      'presence_penalty',
      'max_tokens',
      'seed',
      'stop',
    ]);
  });

  it.each([
    ['tools', ['tools', 'tool_choice']],
    ['structured_outputs', ['response_format', 'structured_outputs']],
    ['reasoning', ['reasoning', 'include_reasoning']],
  ] as const)('adds what %s brings', (feature, parameters) => {
    expect(derive({ features: [feature] })).toEqual(expect.arrayContaining([...parameters]));
    expect(derive({ features: [] })).not.toEqual(expect.arrayContaining([parameters[0]]));
  });

  it('drops the draw for a model without a temperature', () => {
    expect(derive({ features: ['reasoning'] })).not.toContain('top_p');
  });

  it('follows what the provider adds and refuses', () => {
    const parameters = derive({
      features: ['tools', 'temperature'],
      add: ['top_k', 'parallel_tool_calls'],
      remove: ['seed'],
    });
    expect(parameters).toEqual(expect.arrayContaining(['top_k', 'parallel_tool_calls']));
    expect(parameters).not.toContain('seed');
  });

  it('knows no parallel calls without tools, and nothing for a model that writes no text', () => {
    expect(derive({ add: ['parallel_tool_calls'] })).not.toContain('parallel_tool_calls');
    expect(derive({ writesText: false })).toEqual([]);
  });
});
