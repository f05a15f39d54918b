/** The versions of what is stored: of each event's text, and of the tables around it. */
import type { DatabaseSync } from "node:sqlite";
import { fillChainAndIndex } from "./backfill.ts";
import { EVENT_ROW_BYTES, RUN_ROW_BYTES } from "./usage.ts";

export interface Migration {
  readonly sql: string;
  /** Changes that SQL alone cannot express, made after it in the same transaction. */
  readonly fill?: (db: DatabaseSync) => void;
}

/**
 * The schema of the SQLite store, as numbered steps: `user_version` of a file is the number of steps it has seen.
 * A step that has been released is never edited; a change is a new step at the end.
 */
export const migrations: readonly Migration[] = [
  // 1: runs and their journals.
  {
    sql: `
  create table runs (
    key        integer primary key,
    id         text    not null unique,
    principal  text    not null,
    kind       text    not null,
    parent     text,
    created_at integer not null,
    spec       text    not null,
    status     text    not null,
    last_seq   integer not null
  ) strict;
  create index runs_by_time      on runs (created_at, id);
  create index runs_by_principal on runs (principal, created_at, id);
  create index runs_by_status    on runs (status, created_at, id);
  create index runs_by_parent    on runs (parent, created_at, id) where parent is not null;

  create table journal (
    run   integer not null references runs (key) on delete cascade,
    seq   integer not null,
    event text    not null,
    primary key (run, seq)
  ) strict;
  `,
  },
  // 2: large texts and snapshots once each, the hash chain, the search index over calls, keys of requests.
  {
    sql: `
  create table snapshots (
    hash   text    primary key,
    put_at integer not null,
    text   text    not null
  ) strict;
  create index snapshots_by_time on snapshots (put_at);

  alter table runs add column snapshot    text references snapshots (hash);
  alter table runs add column request_key text;
  alter table runs add column head        text not null default '';
  create index runs_by_snapshot    on runs (snapshot) where snapshot is not null;
  create index runs_by_request_key on runs (principal, request_key, created_at, id) where request_key is not null;

  alter table journal add column n    integer;
  alter table journal add column hash text not null default '';

  create table payloads (
    key  integer primary key,
    hash text    not null unique,
    text text    not null
  ) strict;
  create table payload_uses (
    run     integer not null references runs (key) on delete cascade,
    payload integer not null references payloads (key),
    primary key (run, payload)
  ) strict, without rowid;
  create index payload_uses_by_payload on payload_uses (payload);
  create trigger remove_unused_payload after delete on payload_uses begin
    delete from payloads where key = old.payload
      and not exists (select 1 from payload_uses where payload = old.payload);
  end;

  create table calls (
    run       integer not null references runs (key) on delete cascade,
    n         integer not null,
    seq       integer not null,
    at        real    not null,
    principal text    not null,
    server    text    not null,
    tool      text    not null,
    decisions integer not null,
    primary key (run, n)
  ) strict, without rowid;
  create index calls_by_time      on calls (at, run, n);
  create index calls_by_principal on calls (principal, at, run, n);
  create index calls_by_server    on calls (server, at, run, n);
  `,
    fill: fillChainAndIndex,
  },
  // 3: what tells this database from another one at the same path.
  {
    sql: `
  create table identity (id text not null) strict;
  insert into identity values (lower(hex(randomblob(16))));
  `,
  },
  // 4: the shapes of results, for tools that do not say what they give.
  {
    sql: `
  create table shapes (
    principal  text    not null,
    tool       text    not null,
    definition text    not null,
    seen_at    integer not null,
    shape      text    not null,
    primary key (principal, tool)
  ) strict, without rowid;
  create index shapes_by_time on shapes (seen_at);
  create index shapes_by_use  on shapes (principal, seen_at desc);
  `,
  },
  // 5: how much the runs of each principal take.
  {
    sql: `
  alter table runs add column bytes integer not null default 0;
  update runs set bytes = ${RUN_ROW_BYTES} + octet_length(spec)
    + (select coalesce(sum(octet_length(event) + ${EVENT_ROW_BYTES}), 0) from journal where run = runs.key)
    + (select coalesce(sum(octet_length(text)), 0) from payload_uses
       join payloads on payloads.key = payload_uses.payload where payload_uses.run = runs.key);
  create table usage (
    principal text    primary key,
    bytes     integer not null
  ) strict, without rowid;
  insert into usage select principal, sum(bytes) from runs group by principal;
  `,
  },
  // 6: which owner of a run may append to it, and since when a run waits: for the first of its calls that nobody has
  // decided or, a chat, for its client.
  {
    sql: `
  alter table runs add column term        integer not null default 1;
  alter table runs add column waits_since real;
  create temp view told as select run, seq, n, json_extract(event, '$.type') as type, json_extract(event, '$.at') as at,
      json_extract(event, '$.decision') as decision
    from journal where json_valid(event);
  update runs set waits_since = coalesce(
      (select min(at) from told where run = runs.key and decision = 'ask'
         and not exists (select 1 from journal as later where later.run = told.run and later.n = told.n and later.seq > told.seq)),
      (select max(at) from told where run = runs.key and exists (select 1 from told where run = runs.key and type = 'turn')))
    where status = 'waiting';
  drop view told;
  create index runs_by_waiting on runs (waits_since, id) where waits_since is not null;
  `,
  },
  // 7: what lists show of a run. Runs from before have none: each gets its own when it is listed for the first time.
  {
    sql: `
  create table summaries (
    run   integer primary key references runs (key) on delete cascade,
    seq   integer not null,
    asked integer not null,
    text  text    not null
  ) strict;
  `,
  },
];
