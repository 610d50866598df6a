import type { Tool } from '../../canon/request.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Tools that Claude knows by their type alone and that run at the client; other models are told what they take (spec/inference 7.1). */
interface Native {
  readonly name: string;
  readonly description: string;
  readonly parameters: Schema;
}

const text = (description: string): Schema => ({ type: 'string', description });
const integer = (description: string): Schema => ({ type: 'integer', description });

const BASH: Native = {
  name: 'bash',
  description: 'Runs a command in a shell that keeps its state from call to call, and gives back what it printed.',
  parameters: {
    type: 'object',
    properties: {
      command: text('The command to run. Required unless the shell is restarted.'),
      restart: { type: 'boolean', description: 'True starts a fresh shell.' },
    },
  },
};

const editor = (name: string, commands: readonly string[]): Native => ({
  name,
  description: 'Views, creates and edits text files.',
  parameters: {
    type: 'object',
    properties: {
      command: { type: 'string', enum: commands },
      path: text('The absolute path of the file or folder.'),
      file_text: text('The content of a file to create.'),
      old_str: text('The text to replace, which must occur once.'),
      new_str: text('What takes its place, or is inserted.'),
      insert_line: integer('The line after which to insert.'),
      view_range: { type: 'array', items: { type: 'integer' }, description: 'First and last line to show.' },
    },
    required: ['command', 'path'],
  },
});

const COMMANDS = ['view', 'create', 'str_replace', 'insert'];

const NATIVE: readonly (readonly [RegExp, Native])[] = [
  [/^bash_\d{8}$/, BASH],
  [/^text_editor_20250124$/, editor('str_replace_editor', [...COMMANDS, 'undo_edit'])],
  [/^text_editor_\d{8}$/, editor('str_replace_based_edit_tool', COMMANDS)],
];

/** The tool a type stands for; undefined where it is none that a client runs. */
export function nativeTool(wire: { readonly type: string }, dialect: string): Tool | undefined {
  const native = NATIVE.find(([pattern]) => pattern.test(wire.type))?.[1];
  return native && { ...native, native: { dialect, wire: { ...wire, name: native.name } } };
}
