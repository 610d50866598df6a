/**
 * The schema's history: forward only, each step once, in one transaction with its entry in `migrations`. A step that has been released
 * is never edited; its checksum would no longer match and the store would refuse to open.
 */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export const SQLITE_MIGRATIONS: readonly Migration[] = [
  {
    name: '0001-books',
    sql: `
CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  posted INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  CHECK (id <> 'customer' OR posted >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  from_account TEXT NOT NULL REFERENCES accounts (id),
  to_account TEXT NOT NULL REFERENCES accounts (id),
  amount INTEGER NOT NULL CHECK (amount > 0),
  at INTEGER NOT NULL,
  UNIQUE (ref, kind)
) STRICT;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE (ABORT, 'entries are immutable'); END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries BEGIN SELECT RAISE (ABORT, 'entries are immutable'); END;

CREATE TABLE generations (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'voided')),
  held INTEGER NOT NULL CHECK (held >= 0),
  charge INTEGER NOT NULL DEFAULT 0 CHECK (charge >= 0),
  document TEXT
) STRICT;
CREATE INDEX generations_open ON generations (state) WHERE state = 'open';

CREATE TABLE keys (
  hash TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('inference', 'management')),
  origin TEXT NOT NULL CHECK (origin IN ('created', 'environment')),
  disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_days (
  key_hash TEXT NOT NULL,
  day INTEGER NOT NULL,
  charge INTEGER NOT NULL,
  PRIMARY KEY (key_hash, day)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: '0002-presets',
    sql: `
CREATE TABLE presets (
  id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'archived')),
  status_updated_at INTEGER,
  designated_version INTEGER NOT NULL CHECK (designated_version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (workspace_id, slug)
) STRICT, WITHOUT ROWID;

CREATE TABLE preset_versions (
  preset_id TEXT NOT NULL REFERENCES presets (id),
  version INTEGER NOT NULL CHECK (version > 0),
  id TEXT NOT NULL UNIQUE,
  creator TEXT NOT NULL,
  dialect TEXT NOT NULL,
  system_prompt TEXT,
  config TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (preset_id, version)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: '0003-key-limits',
    sql: `
ALTER TABLE keys ADD COLUMN limit_nano INTEGER CHECK (limit_nano >= 0);
ALTER TABLE keys ADD COLUMN limit_reset TEXT CHECK (limit_reset IN ('daily', 'weekly', 'monthly'));
`,
  },
  {
    name: '0004-refusals',
    sql: `
CREATE TABLE refusals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  key_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  document TEXT NOT NULL
) STRICT;
`,
  },
];
