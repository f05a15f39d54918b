/** The versions of what is stored: of each event's text, and of the tables around it. */

/**
 * Stands in every stored event as `v`. Goes up when an older version could not read a new event; events of lower
 * versions are still read. 2: runs that go on after they waited, chats, edited and supplied results.
 */
export const JOURNAL_VERSION = 2;

/**
 * The schema of the SQLite store, as numbered steps: `user_version` of a file is the number of steps it has seen.
 * A step that has been released is never edited; a change is a new step at the end.
 */
export const migrations: readonly string[] = [
  // 1: runs and their journals.
  `
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
];
