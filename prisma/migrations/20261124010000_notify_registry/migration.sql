-- Processes keep versions, aliases and keys in memory. Whoever changes a row, all of them are told at the commit.
-- In the bodies \x3B is the semicolon, for the schema engine would split the file at a plain one.
CREATE FUNCTION trainyard_notify_model() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  IF TG_OP = ''DELETE'' THEN
    PERFORM pg_notify(''trainyard_model'', to_jsonb(OLD) ->> TG_ARGV[0])\x3B
  ELSE
    PERFORM pg_notify(''trainyard_model'', to_jsonb(NEW) ->> TG_ARGV[0])\x3B
  END IF\x3B
  RETURN NULL\x3B
END';

CREATE FUNCTION trainyard_notify_key() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  PERFORM pg_notify(''trainyard_key'', OLD.sha256)\x3B
  RETURN NULL\x3B
END';

CREATE TRIGGER models_notify AFTER INSERT OR UPDATE OR DELETE ON models
  FOR EACH ROW EXECUTE FUNCTION trainyard_notify_model('name');
CREATE TRIGGER model_versions_notify AFTER INSERT OR UPDATE OR DELETE ON model_versions
  FOR EACH ROW EXECUTE FUNCTION trainyard_notify_model('model_name');
CREATE TRIGGER aliases_notify AFTER INSERT OR UPDATE OR DELETE ON aliases
  FOR EACH ROW EXECUTE FUNCTION trainyard_notify_model('model_name');
CREATE TRIGGER api_keys_notify AFTER UPDATE OR DELETE ON api_keys
  FOR EACH ROW EXECUTE FUNCTION trainyard_notify_key();
