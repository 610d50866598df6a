import type { Database } from 'bun:sqlite';
import type { Preset, PresetStatus, PresetVersion } from '../../accounts/ports.ts';

interface VersionRow {
  readonly id: string;
  readonly preset_id: string;
  readonly version: bigint;
  readonly creator: string;
  readonly dialect: string;
  readonly system_prompt: string | null;
  readonly config: string;
  readonly created_at: bigint;
}

interface PresetRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: PresetStatus;
  readonly status_updated_at: bigint | null;
  readonly designated_version: bigint;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

const versionOf = (row: VersionRow): PresetVersion => ({
  id: row.id,
  presetId: row.preset_id,
  version: Number(row.version),
  creator: row.creator,
  dialect: row.dialect,
  systemPrompt: row.system_prompt,
  config: JSON.parse(row.config) as Record<string, unknown>,
  createdAt: Number(row.created_at),
});

/** The statements of presets and their versions. */
export class PresetStatements {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  all(): readonly Preset[] {
    const rows = this.#db.query('SELECT * FROM presets').all() as PresetRow[];
    return rows.flatMap((row): Preset[] => {
      const [designated] = this.versions(row.id, Number(row.designated_version) - 1, 1);
      if (!designated) return [];
      return [
        {
          id: row.id,
          workspaceId: row.workspace_id,
          slug: row.slug,
          name: row.name,
          description: row.description,
          status: row.status,
          statusUpdatedAt: row.status_updated_at === null ? null : Number(row.status_updated_at),
          createdAt: Number(row.created_at),
          updatedAt: Number(row.updated_at),
          designated,
        },
      ];
    });
  }

  versions(presetId: string, offset: number, limit: number): readonly PresetVersion[] {
    const rows = this.#db
      .query('SELECT * FROM preset_versions WHERE preset_id = ? ORDER BY version LIMIT ? OFFSET ?')
      .all(presetId, limit, offset) as VersionRow[];
    return rows.map(versionOf);
  }

  /** @returns false, with nothing changed, where the version is there already, or the slug belongs to another preset */
  put(preset: Preset): boolean {
    const { designated } = preset;
    if (designated.version === 1 ? !this.#insert(preset) : !this.#designate(preset)) return false;
    this.#db
      .query(
        'INSERT INTO preset_versions (preset_id, version, id, creator, dialect, system_prompt, config, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        preset.id,
        designated.version,
        designated.id,
        designated.creator,
        designated.dialect,
        designated.systemPrompt,
        JSON.stringify(designated.config),
        designated.createdAt,
      );
    return true;
  }

  #insert(preset: Preset): boolean {
    const { id, workspaceId, slug, name, description, status, createdAt, updatedAt } = preset;
    const { changes } = this.#db
      .query(
        'INSERT OR IGNORE INTO presets (id, workspace_id, slug, name, description, status, designated_version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)',
      )
      .run(id, workspaceId, slug, name, description, status, createdAt, updatedAt);
    return changes > 0;
  }

  /** Only the version after the one that serves now may follow it. */
  #designate({ id, updatedAt, designated: { version } }: Preset): boolean {
    const { changes } = this.#db
      .query('UPDATE presets SET designated_version = ?, updated_at = ? WHERE id = ? AND designated_version = ?')
      .run(version, updatedAt, id, version - 1);
    return changes > 0;
  }
}
