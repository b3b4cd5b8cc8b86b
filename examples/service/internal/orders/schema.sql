-- What the service needs in MySQL. It is applied at every start, so each statement must be harmless when it has
-- been applied before. A statement ends with a semicolon at the end of a line, and only there.
CREATE TABLE IF NOT EXISTS orders (
  id               BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  product          VARCHAR(64)  NOT NULL,
  quantity         INT          NOT NULL,
  unit_price_cents BIGINT       NOT NULL,
  status           VARCHAR(16)  NOT NULL,
  created_at       DATETIME(6)  NOT NULL,
  KEY orders_status (status, created_at)
);
