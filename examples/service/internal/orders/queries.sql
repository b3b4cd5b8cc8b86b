-- name: Create :execlastid
INSERT INTO orders (product, quantity, unit_price_cents, status, created_at)
VALUES (?, ?, ?, 'placed', ?);

-- name: Get :one
SELECT * FROM orders WHERE id = ?;

-- name: Pack :execrows
UPDATE orders SET status = 'packed' WHERE id = ? AND status = 'placed';

-- name: Overdue :many
SELECT id FROM orders WHERE status = 'placed' AND created_at < ? ORDER BY id LIMIT 100;
