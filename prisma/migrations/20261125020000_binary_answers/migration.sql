-- Answers in other formats than JSON: tensors of the Open Inference Protocol, whose headers say how to read them.
ALTER TABLE "idempotent_answers" ALTER COLUMN "body" TYPE BYTEA USING convert_to("body", 'UTF8');
ALTER TABLE "idempotent_answers" ADD COLUMN "headers" JSONB NOT NULL DEFAULT '{}';
