-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "dataset_status" AS ENUM ('processing', 'ready', 'failed');

-- CreateEnum
CREATE TYPE "job_status" AS ENUM ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "job_phase" AS ENUM ('loading', 'training', 'evaluating', 'saving');

-- CreateTable
CREATE TABLE "datasets" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "status" "dataset_status" NOT NULL,
    "format" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "sha256" TEXT,
    "bytes" BIGINT NOT NULL,
    "shape" INTEGER[],
    "dtype" TEXT NOT NULL,
    "classes" TEXT[],
    "splits" JSONB NOT NULL,
    "statistics" JSONB NOT NULL,
    "error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "datasets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "jobs" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "model_name" TEXT NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "dataset_sha256" TEXT NOT NULL,
    "network" JSONB NOT NULL,
    "training" JSONB NOT NULL,
    "preprocessing" JSONB NOT NULL,
    "metadata" JSONB NOT NULL,
    "parameter_count" INTEGER NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "status" "job_status" NOT NULL,
    "phase" "job_phase",
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "charged" INTEGER NOT NULL DEFAULT 0,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "epochs" INTEGER NOT NULL,
    "step" INTEGER NOT NULL DEFAULT 0,
    "steps" INTEGER NOT NULL,
    "examples_per_second" DOUBLE PRECISION,
    "eta_seconds" DOUBLE PRECISION,
    "last_metrics" JSONB,
    "best_metrics" JSONB,
    "engine" TEXT,
    "device" TEXT,
    "evaluation" JSONB,
    "model_version" INTEGER,
    "error" JSONB,
    "event_seq" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),

    CONSTRAINT "jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "epochs" (
    "job_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "metrics" JSONB NOT NULL,
    "learning_rate" DOUBLE PRECISION NOT NULL,
    "duration_ms" DOUBLE PRECISION NOT NULL,
    "examples_per_second" DOUBLE PRECISION NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "epochs_pkey" PRIMARY KEY ("job_id","epoch")
);

-- CreateTable
CREATE TABLE "job_events" (
    "job_id" TEXT NOT NULL,
    "id" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "job_events_pkey" PRIMARY KEY ("job_id","id")
);

-- CreateTable
CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL,
    "job_id" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dispatched_at" TIMESTAMPTZ(3),
    "dispatches" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "checkpoints" (
    "job_id" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkpoints_pkey" PRIMARY KEY ("job_id","step")
);

-- CreateTable
CREATE TABLE "models" (
    "name" TEXT NOT NULL,
    "last_version" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "models_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "model_versions" (
    "model_name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "job_id" TEXT NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "dataset_sha256" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "files" JSONB NOT NULL,
    "kind" TEXT NOT NULL,
    "input_shape" INTEGER[],
    "classes" TEXT[],
    "parameter_count" INTEGER NOT NULL,
    "preprocessing" JSONB NOT NULL,
    "metrics" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_versions_pkey" PRIMARY KEY ("model_name","version")
);

-- CreateTable
CREATE TABLE "aliases" (
    "model_name" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "aliases_pkey" PRIMARY KEY ("model_name","alias")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workers" (
    "id" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "engine" TEXT NOT NULL,
    "device" TEXT NOT NULL,
    "slots" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workers_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "datasets_name_version_key" ON "datasets"("name", "version");

-- CreateIndex
CREATE INDEX "jobs_status_lease_until_idx" ON "jobs"("status", "lease_until");

-- CreateIndex
CREATE INDEX "jobs_dataset_id_idx" ON "jobs"("dataset_id");

-- CreateIndex
CREATE UNIQUE INDEX "outbox_job_id_key" ON "outbox"("job_id");

-- CreateIndex
CREATE INDEX "outbox_priority_queued_at_id_idx" ON "outbox"("priority", "queued_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "model_versions_job_id_key" ON "model_versions"("job_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_sha256_key" ON "api_keys"("sha256");

-- AddForeignKey
ALTER TABLE "epochs" ADD CONSTRAINT "epochs_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job_events" ADD CONSTRAINT "job_events_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_model_name_fkey" FOREIGN KEY ("model_name") REFERENCES "models"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "aliases" ADD CONSTRAINT "aliases_model_name_version_fkey" FOREIGN KEY ("model_name", "version") REFERENCES "model_versions"("model_name", "version") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What must never be. Prisma's schema cannot say it.
ALTER TABLE "datasets"
  ADD CONSTRAINT "datasets_ready_has_content" CHECK ("status" <> 'ready' OR ("sha256" IS NOT NULL AND "error" IS NULL)),
  ADD CONSTRAINT "datasets_failed_has_error" CHECK (("status" = 'failed') = ("error" IS NOT NULL)),
  ADD CONSTRAINT "datasets_version_positive" CHECK ("version" >= 1),
  ADD CONSTRAINT "datasets_kind_known" CHECK ("kind" IN ('image', 'table'));

ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_running_has_lease" CHECK (("status" = 'running') = ("lease_owner" IS NOT NULL)),
  ADD CONSTRAINT "jobs_lease_is_whole" CHECK (("lease_owner" IS NULL) = ("lease_until" IS NULL)),
  ADD CONSTRAINT "jobs_running_has_phase" CHECK (("status" = 'running') = ("phase" IS NOT NULL)),
  ADD CONSTRAINT "jobs_running_was_claimed" CHECK ("status" <> 'running' OR ("attempt" >= 1 AND "started_at" IS NOT NULL)),
  ADD CONSTRAINT "jobs_ended_has_time" CHECK (("status" IN ('succeeded', 'failed', 'cancelled')) = ("finished_at" IS NOT NULL)),
  ADD CONSTRAINT "jobs_succeeded_has_model" CHECK (("status" = 'succeeded') = ("model_version" IS NOT NULL)),
  ADD CONSTRAINT "jobs_failed_has_error" CHECK (("status" = 'failed') = ("error" IS NOT NULL)),
  ADD CONSTRAINT "jobs_cancel_is_kept" CHECK ("cancel_requested_at" IS NULL OR "status" IN ('running', 'cancelled')),
  ADD CONSTRAINT "jobs_progress_in_range" CHECK ("epoch" BETWEEN 0 AND "epochs" AND "step" BETWEEN 0 AND "steps"),
  ADD CONSTRAINT "jobs_counts_not_negative" CHECK ("attempt" >= 0 AND "charged" >= 0 AND "event_seq" >= 0);

ALTER TABLE "epochs"
  ADD CONSTRAINT "epochs_numbered_from_one" CHECK ("epoch" >= 1 AND "attempt" >= 1),
  ADD CONSTRAINT "epochs_durations_positive" CHECK ("duration_ms" >= 0 AND "examples_per_second" >= 0);

ALTER TABLE "job_events" ADD CONSTRAINT "job_events_numbered_from_one" CHECK ("id" >= 1);

ALTER TABLE "checkpoints"
  ADD CONSTRAINT "checkpoints_place" CHECK ("step" >= 0 AND "epoch" >= 0 AND "attempt" >= 1 AND "bytes" > 0),
  ADD CONSTRAINT "checkpoints_sha256" CHECK ("sha256" ~ '^[0-9a-f]{64}$');

ALTER TABLE "model_versions"
  ADD CONSTRAINT "model_versions_numbered_from_one" CHECK ("version" >= 1),
  ADD CONSTRAINT "model_versions_sha256" CHECK ("sha256" ~ '^[0-9a-f]{64}$');

-- An alias is a lower-case name. The alias latest is computed, never stored.
ALTER TABLE "aliases"
  ADD CONSTRAINT "aliases_name" CHECK ("alias" ~ '^[a-z][a-z0-9._-]{0,62}$' AND "alias" <> 'latest');

ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_sha256" CHECK ("sha256" ~ '^[0-9a-f]{64}$');

ALTER TABLE "workers" ADD CONSTRAINT "workers_slots" CHECK ("slots" >= 1);

-- Newest first, by status: the list of jobs.
CREATE INDEX "jobs_list_idx" ON "jobs" ("status", "id" DESC);
CREATE INDEX "jobs_metadata_idx" ON "jobs" USING GIN ("metadata" jsonb_path_ops);
