-- CreateTable
CREATE TABLE "idempotent_answers" (
    "api_key_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "location" TEXT,
    "content_type" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotent_answers_pkey" PRIMARY KEY ("api_key_id","key")
);

-- CreateTable
CREATE TABLE "stream_tokens" (
    "sha256" TEXT NOT NULL,
    "api_key_id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stream_tokens_pkey" PRIMARY KEY ("sha256")
);

-- CreateIndex
CREATE INDEX "idempotent_answers_created_at_idx" ON "idempotent_answers"("created_at");

-- CreateIndex
CREATE INDEX "stream_tokens_expires_at_idx" ON "stream_tokens"("expires_at");

-- AddForeignKey
ALTER TABLE "stream_tokens" ADD CONSTRAINT "stream_tokens_api_key_id_fkey" FOREIGN KEY ("api_key_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What must never be. An answer that failed on our side is not kept.
ALTER TABLE "idempotent_answers"
  ADD CONSTRAINT "idempotent_answers_key" CHECK ("key" ~ '^[ -~]{1,255}$'),
  ADD CONSTRAINT "idempotent_answers_fingerprint" CHECK ("fingerprint" ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT "idempotent_answers_status" CHECK ("status" BETWEEN 200 AND 499);

ALTER TABLE "stream_tokens" ADD CONSTRAINT "stream_tokens_sha256" CHECK ("sha256" ~ '^[0-9a-f]{64}$');
