-- Crashes and lost workers are counted apart.
ALTER TABLE "jobs" RENAME COLUMN "charged" TO "crashes";

ALTER TABLE "jobs"
  ADD COLUMN "workers_lost" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "attempt_started_at" TIMESTAMPTZ(3),
  ADD COLUMN "runtime_seconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
  ADD COLUMN "pause_requested_at" TIMESTAMPTZ(3);

ALTER TABLE "outbox" ADD COLUMN "not_before" TIMESTAMPTZ(3);

UPDATE "jobs" SET "attempt_started_at" = now() WHERE "status" = 'running';

-- What each status has and lacks. The table of transitions is src/jobs/lifecycle.ts.
ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_running_has_clock" CHECK (("status" = 'running') = ("attempt_started_at" IS NOT NULL)),
  ADD CONSTRAINT "jobs_pause_is_wanted_while_running" CHECK ("pause_requested_at" IS NULL OR "status" = 'running'),
  ADD CONSTRAINT "jobs_cancel_wins_over_pause" CHECK ("pause_requested_at" IS NULL OR "cancel_requested_at" IS NULL),
  ADD CONSTRAINT "jobs_cancelled_was_asked" CHECK ("status" <> 'cancelled' OR "cancel_requested_at" IS NOT NULL),
  ADD CONSTRAINT "jobs_only_running_has_eta" CHECK ("eta_seconds" IS NULL OR "status" = 'running'),
  ADD CONSTRAINT "jobs_charges_not_negative" CHECK ("workers_lost" >= 0 AND "runtime_seconds" >= 0);
