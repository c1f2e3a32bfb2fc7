-- Files on their way in parts. Their bytes are blobs, so they need no folder and no process of their own.
CREATE TABLE "uploads" (
  "id" TEXT NOT NULL,
  "api_key_id" TEXT NOT NULL,
  "metadata" TEXT,
  "bytes" BIGINT NOT NULL,
  "received" BIGINT NOT NULL DEFAULT 0,
  "writer" INTEGER NOT NULL DEFAULT 0,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "uploads_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "uploads_received_fits" CHECK ("received" BETWEEN 0 AND "bytes")
);
CREATE INDEX "uploads_expires_at_idx" ON "uploads"("expires_at");
CREATE INDEX "uploads_list_idx" ON "uploads"("api_key_id", "id" DESC);

CREATE TABLE "upload_parts" (
  "upload_id" TEXT NOT NULL,
  "offset" BIGINT NOT NULL,
  "bytes" BIGINT NOT NULL,
  "sha256" TEXT NOT NULL,
  CONSTRAINT "upload_parts_pkey" PRIMARY KEY ("upload_id", "offset"),
  CONSTRAINT "upload_parts_upload_id_fkey" FOREIGN KEY ("upload_id") REFERENCES "uploads"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- What a dataset is made from while it is processing.
CREATE TABLE "dataset_tasks" (
  "dataset_id" TEXT NOT NULL,
  "options" JSONB NOT NULL,
  "files" JSONB NOT NULL,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "owner" TEXT,
  "lease_until" TIMESTAMPTZ(3),
  CONSTRAINT "dataset_tasks_pkey" PRIMARY KEY ("dataset_id"),
  CONSTRAINT "dataset_tasks_dataset_id_fkey" FOREIGN KEY ("dataset_id") REFERENCES "datasets"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- What the files are is known when they are read.
ALTER TABLE "datasets"
  ALTER COLUMN "format" DROP NOT NULL,
  ALTER COLUMN "kind" DROP NOT NULL,
  ALTER COLUMN "dtype" DROP NOT NULL,
  ALTER COLUMN "task" DROP NOT NULL,
  ALTER COLUMN "task" DROP DEFAULT,
  ADD CONSTRAINT "datasets_ready_known" CHECK (
    "status" <> 'ready' OR ("format" IS NOT NULL AND "kind" IS NOT NULL AND "dtype" IS NOT NULL AND "task" IS NOT NULL)
  );
