-- Predictions of many rows at once, queued and resumable.
-- CreateEnum
CREATE TYPE "batch_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled');

-- CreateTable
CREATE TABLE "batch_predictions" (
    "id" TEXT NOT NULL,
    "model_name" TEXT NOT NULL,
    "model_version" INTEGER NOT NULL,
    "model_files" JSONB NOT NULL,
    "dataset_id" TEXT,
    "split" TEXT,
    "output" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "input_blobs" TEXT[],
    "warnings" TEXT[],
    "rows" INTEGER NOT NULL,
    "chunk_rows" INTEGER NOT NULL,
    "rows_done" INTEGER NOT NULL DEFAULT 0,
    "rows_failed" INTEGER,
    "status" "batch_status" NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "crashes" INTEGER NOT NULL DEFAULT 0,
    "workers_lost" INTEGER NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3),
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "evaluation" JSONB,
    "output_sha256" TEXT,
    "output_bytes" BIGINT,
    "error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "api_key_id" TEXT,

    CONSTRAINT "batch_predictions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "batch_chunks" (
    "batch_id" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,

    CONSTRAINT "batch_chunks_pkey" PRIMARY KEY ("batch_id","index")
);

-- CreateIndex
CREATE INDEX "batch_predictions_status_lease_until_idx" ON "batch_predictions"("status", "lease_until");

-- AddForeignKey
ALTER TABLE "batch_chunks" ADD CONSTRAINT "batch_chunks_batch_id_fkey" FOREIGN KEY ("batch_id") REFERENCES "batch_predictions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What each status has and lacks. The table of transitions is src/batch-predictions/lifecycle.ts.
ALTER TABLE "batch_predictions"
  ADD CONSTRAINT "batch_predictions_running_has_lease" CHECK (("status" = 'running') = ("lease_owner" IS NOT NULL)),
  ADD CONSTRAINT "batch_predictions_lease_is_whole" CHECK (("lease_owner" IS NULL) = ("lease_until" IS NULL)),
  ADD CONSTRAINT "batch_predictions_running_was_claimed" CHECK ("status" <> 'running' OR ("attempt" >= 1 AND "started_at" IS NOT NULL)),
  ADD CONSTRAINT "batch_predictions_ended_has_time" CHECK (("status" IN ('succeeded', 'failed', 'cancelled')) = ("finished_at" IS NOT NULL)),
  ADD CONSTRAINT "batch_predictions_succeeded_has_output" CHECK (("status" = 'succeeded') = ("output_sha256" IS NOT NULL)),
  ADD CONSTRAINT "batch_predictions_output_is_whole" CHECK (("output_sha256" IS NULL) = ("output_bytes" IS NULL)),
  ADD CONSTRAINT "batch_predictions_failed_has_error" CHECK (("status" = 'failed') = ("error" IS NOT NULL)),
  ADD CONSTRAINT "batch_predictions_cancelled_was_asked" CHECK ("status" <> 'cancelled' OR "cancel_requested_at" IS NOT NULL),
  ADD CONSTRAINT "batch_predictions_output_known" CHECK ("output" IN ('csv', 'jsonl', 'parquet')),
  ADD CONSTRAINT "batch_predictions_counts" CHECK ("rows" >= 0 AND "rows_done" BETWEEN 0 AND "rows" AND "chunk_rows" >= 1);
