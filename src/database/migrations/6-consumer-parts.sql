-- A consumer may be given a further part of a credential's secret material, such as an app's client secret.
ALTER TABLE consumers ADD COLUMN part TEXT; -- the part's id; NULL for the secret itself
