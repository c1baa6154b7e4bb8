-- Two years of the shop: 68 users, 44 products, 720 orders from 2024-01-01 to 2025-12-31. Every run gives
-- the same rows: nothing is random and nothing depends on the clock or on the session's settings.
-- Load it whole or not at all: psql -v ON_ERROR_STOP=1 -1 -f 01-schema.sql -f 02-seed-data.sql
--
-- What is wrong with the data is meant to be, because it is what operational data looks like:
--
--   users     2 without a name (13, 45), 4 without a city (18, 31, 45, 62) and one whose city is an empty
--             string (52); a city in lower case (14: berlin); mixed-case e-mails (1, 7, 19, 34, 46, 57, 67);
--             one person registered twice with an e-mail that differs in case only (1, 24), and one e-mail
--             used twice exactly (17, 39); names and cities in Greek, Cyrillic, Chinese, Japanese, Korean
--             and accented Latin script, with apostrophes and quotes
--   products  2 are discontinued, which only the name says, and have no later orders (13 after
--             2024-09-30, 39 after 2024-12-31); 2 without a category (40, 41), one of them free of charge
--   orders    2 by guests, without a user (137, 512); 1 without a product (301); 14 whose total is not
--             price x quantity: a discount of 10 % or a delivery charge of 4.95 (each 51st from 17 on);
--             8 entered four days late, so that order_date does not rise with order_id (each 90th from 45 on)

SET client_encoding = 'UTF8';

INSERT INTO users (user_id, name, email, city, created_at, updated_at) VALUES
    (1, 'Anna Weber', 'Anna.Weber@Example.com', 'Berlin', '2023-03-06 08:50:09', '2024-09-14 09:07:13+00'),
    (2, 'Jürgen Müller', 'juergen.mueller@mail.example', 'München', '2023-03-18 20:17:38', '2023-03-18 20:17:38+00'),
    (3, 'Zoë Dubois', 'zoe.dubois@post.example', 'Paris', '2023-03-31 08:58:07', '2023-03-31 08:58:07+00'),
    (4, 'James O''Connor', 'james.oconnor@example.org', 'Dublin', '2023-04-12 22:53:36', '2023-04-12 22:53:36+00'),
    (5, '李伟', 'li.wei@example.net', '上海', '2023-04-25 04:02:05', '2023-04-25 04:02:05.523645+00'),
    (6, 'María García', 'maria.garcia@mail.example', 'Sevilla', '2023-05-07 10:25:34', '2024-07-21 14:42:18.628374+00'),
    (7, 'Tom Baker', 'TOM.BAKER@EXAMPLE.COM', 'London', '2023-05-19 18:02:03', '2023-05-19 18:02:03+00'),
    (8, 'Søren Kjær', 'soren.kjaer@post.example', 'København', '2023-06-01 12:53:32', '2024-11-03 16:56:44+00'),
    (9, 'Katarzyna Nowak', 'k.nowak@example.org', 'Kraków', '2023-06-13 22:58:01', '2023-06-13 22:58:01+00'),
    (10, 'Luca Rossi', 'luca.rossi@mail.example', 'Milano', '2023-06-26 00:17:30', '2023-06-26 00:17:30.047290+00'),
    (11, 'Emily Clarke', 'emily.clarke@example.com', 'Manchester', '2023-07-08 12:49:59', '2023-07-08 12:49:59+00'),
    (12, 'João Silva', 'joao.silva@post.example', 'São Paulo', '2023-07-21 02:37:28', '2023-07-21 02:37:28+00'),
    (13, NULL, 'orders@bistro.example', 'Lyon', '2023-08-02 07:37:57', '2023-08-02 07:37:57+00'),
    (14, 'Hannah Schmidt', 'hannah.schmidt@example.com', 'berlin', '2023-08-14 13:53:26', '2025-03-02 13:38:02+00'),
    (15, 'Νίκος Παπαδόπουλος', 'nikos.p@example.net', 'Αθήνα', '2023-08-27 07:21:55', '2023-08-27 07:21:55.570935+00'),
    (16, 'Sophie Martin', 'sophie.martin@mail.example', 'Paris', '2023-09-08 16:05:24', '2023-09-08 16:05:24+00'),
    (17, 'Robert "Bob" Smith', 'bob.smith@example.com', 'Bristol', '2023-09-21 02:01:53', '2023-09-21 02:01:53+00'),
    (18, 'Aoife Byrne', 'aoife.byrne@example.org', NULL, '2023-10-03 13:13:22', '2023-10-03 13:13:22+00'),
    (19, 'Peter de Vries', 'Peter.deVries@Post.Example', 'Utrecht', '2023-10-15 15:37:51', '2025-01-30 09:13:07+00'),
    (20, 'Björk Jónsdóttir', 'bjork.jonsdottir@example.net', 'Reykjavík', '2023-10-28 05:17:20', '2023-10-28 05:17:20.094580+00'),
    (21, 'Olga Ivanova', 'olga.ivanova@mail.example', 'Riga', '2023-11-09 10:09:49', '2023-11-09 10:09:49+00'),
    (22, 'Mehmet Yılmaz', 'mehmet.yilmaz@post.example', 'İzmir', '2023-11-22 02:17:18', '2023-11-22 02:17:18+00'),
    (23, 'Grace Kim', 'grace.kim@example.com', 'London', '2023-12-04 09:37:47', '2023-12-04 09:37:47+00'),
    (24, 'Anna Weber', 'anna.weber@example.com', 'Hamburg', '2023-12-16 18:13:16', '2023-12-16 18:13:16+00'),
    (25, 'Carlos Fernández', 'carlos.fernandez@example.org', 'Madrid', '2024-01-09 11:15:05', '2025-05-05 15:55:25.618225+00'),
    (26, 'Lena Fischer', 'lena.fischer@mail.example', 'Köln', '2024-01-25 07:14:34', '2024-01-25 07:14:34+00'),
    (27, '佐藤 さくら', 'sakura.sato@example.net', '東京', '2024-02-10 04:59:03', '2024-02-10 04:59:03+00'),
    (28, 'Daniel Novák', 'daniel.novak@post.example', 'Praha', '2024-02-26 04:30:32', '2024-02-26 04:30:32+00'),
    (29, 'Isabella Conti', 'isabella.conti@example.com', 'Torino', '2024-03-13 05:47:01', '2025-02-16 10:23:17+00'),
    (30, 'Oliver Jensen', 'oliver.jensen@mail.example', 'Aarhus', '2024-03-28 21:10:30', '2024-03-28 21:10:30.141870+00'),
    (31, 'Fatima El-Sayed', 'fatima.elsayed@example.org', NULL, '2024-04-14 01:59:59', '2024-04-14 01:59:59+00'),
    (32, 'Paul Becker', 'paul.becker@post.example', 'Berlin', '2024-04-29 20:54:28', '2024-04-29 20:54:28+00'),
    (33, 'Chloé Lefèvre', 'chloe.lefevre@mail.example', 'Marseille', '2024-05-15 17:35:57', '2025-08-19 14:51:09.456057+00'),
    (34, 'Ethan Walker', 'Ethan.Walker@example.com', 'Leeds', '2024-05-31 16:02:26', '2024-05-31 16:02:26+00'),
    (35, 'Ingrid Lindström', 'ingrid.lindstrom@example.net', 'Malmö', '2024-06-16 16:15:55', '2024-06-16 16:15:55.665515+00'),
    (36, 'Marek Kowalski', 'marek.kowalski@example.org', 'Łódź', '2024-07-02 06:34:24', '2024-07-02 06:34:24+00'),
    (37, 'Nina Horvat', 'nina.horvat@post.example', 'Zagreb', '2024-07-18 10:19:53', '2024-07-18 10:19:53+00'),
    (38, 'Ana Sousa', 'ana.sousa@mail.example', 'Porto', '2024-08-03 04:10:22', '2024-08-03 04:10:22+00'),
    (39, 'Bob Smith', 'bob.smith@example.com', 'Bath', '2024-08-18 23:47:51', '2024-08-18 23:47:51+00'),
    (40, 'Yuki Tanaka', 'yuki.tanaka@example.net', '大阪', '2024-09-03 21:10:20', '2024-09-03 21:10:20.189160+00'),
    (41, 'Felix Wagner', 'felix.wagner@example.com', 'Wien', '2024-09-19 20:19:49', '2025-10-11 13:47:53+00'),
    (42, 'Amélie Roux', 'amelie.roux@post.example', 'Genève', '2024-10-05 21:14:18', '2024-10-05 21:14:18+00'),
    (43, 'Liam Murphy', 'liam.murphy@example.org', 'Cork', '2024-10-21 23:55:47', '2024-10-21 23:55:47+00'),
    (44, 'Eva Svobodová', 'eva.svobodova@mail.example', 'Brno', '2024-11-06 16:42:16', '2024-11-06 16:42:16+00'),
    (45, NULL, 'info@gallery.example', NULL, '2024-11-22 11:15:45', '2024-11-22 11:15:45.712805+00'),
    (46, 'David Cohen', 'DAVID.COHEN@mail.example', 'Antwerpen', '2024-12-08 07:34:14', '2024-12-08 07:34:14+00'),
    (47, 'Giulia Romano', 'giulia.romano@example.com', 'Roma', '2024-12-24 05:39:43', '2025-06-27 10:29:11+00'),
    (48, 'Ștefan Popescu', 'stefan.popescu@post.example', 'București', '2025-01-09 05:30:12', '2025-01-09 05:30:12+00'),
    (49, 'Charlotte Evans', 'charlotte.evans@example.org', 'Cardiff', '2025-01-25 07:07:41', '2025-01-25 07:07:41+00'),
    (50, 'Mikko Virtanen', 'mikko.virtanen@example.net', 'Helsinki', '2025-02-09 22:50:10', '2025-02-09 22:50:10.236450+00'),
    (51, 'Pedro Álvarez', 'pedro.alvarez@mail.example', 'Málaga', '2025-02-26 03:59:39', '2025-02-26 03:59:39+00'),
    (52, 'Sarah Johnson', 'sarah.johnson@example.com', '', '2025-03-13 23:14:08', '2025-03-13 23:14:08+00'),
    (53, 'Anton Huber', 'anton.huber@post.example', 'Graz', '2025-03-29 20:15:37', '2025-03-29 20:15:37+00'),
    (54, 'Elif Demir', 'elif.demir@example.org', 'Ankara', '2025-04-14 19:02:06', '2025-04-14 19:02:06+00'),
    (55, 'Noah van den Berg', 'noah.vandenberg@mail.example', 'Den Haag', '2025-04-30 07:55:35', '2025-04-30 07:55:35.760095+00'),
    (56, 'Ирина Петрова', 'irina.petrova@example.net', 'Таллинн', '2025-05-16 10:14:04', '2025-05-16 10:14:04+00'),
    (57, 'Claire Bernard', 'Claire.Bernard@Mail.Example', 'Lyon', '2025-06-01 14:19:33', '2025-06-01 14:19:33+00'),
    (58, 'Henrik Larsen', 'henrik.larsen@post.example', 'Oslo', '2025-06-17 08:30:02', '2025-06-17 08:30:02+00'),
    (59, 'Marta Kovács', 'marta.kovacs@example.com', 'Budapest', '2025-07-03 04:27:31', '2025-07-03 04:27:31+00'),
    (60, 'Lucas Meyer', 'lucas.meyer@example.org', 'Zürich', '2025-07-19 02:10:00', '2025-07-19 02:10:00.283740+00'),
    (61, 'Priya Sharma', 'priya.sharma@mail.example', 'London', '2025-08-04 01:39:29', '2025-08-04 01:39:29+00'),
    (62, '김민준', 'minjun.kim@example.net', NULL, '2025-08-19 15:14:58', '2025-08-19 15:14:58+00'),
    (63, 'Theo Dumont', 'theo.dumont@post.example', 'Bruxelles', '2025-09-04 18:15:27', '2025-09-04 18:15:27+00'),
    (64, 'Alice Brown', 'alice.brown@example.com', 'Edinburgh', '2025-09-20 11:22:56', '2025-09-20 11:22:56+00'),
    (65, 'Matteo Ricci', 'matteo.ricci@example.org', 'Milano', '2025-10-06 17:55:25', '2025-10-06 17:55:25.807385+00'),
    (66, 'Ben Ó Súilleabháin', 'ben.osuilleabhain@mail.example', 'Gaillimh', '2025-10-22 14:34:54', '2025-10-22 14:34:54+00'),
    (67, 'Laura Schneider', 'LAURA.SCHNEIDER@example.com', 'Leipzig', '2025-11-07 12:59:23', '2025-11-07 12:59:23+00'),
    (68, 'Victor Lund', 'victor.lund@post.example', 'Göteborg', '2025-11-23 01:30:52', '2025-11-23 01:30:52+00');

INSERT INTO products (product_id, name, category, price, updated_at) VALUES
    (1, 'Chef''s Knife 20 cm', 'Kitchen', 64.90, '2023-03-01 09:11:17+00'),
    (2, 'Cast-Iron Pan', 'Kitchen', 79.00, '2024-06-03 12:22:38+00'),
    (3, 'Café Press 1 l', 'Kitchen', 34.50, '2023-03-15 10:39:51+00'),
    (4, 'Bamboo Cutting Board', 'Kitchen', 24.90, '2023-03-22 11:56:08+00'),
    (5, 'Enamel Mug', 'Kitchen', 12.90, '2023-03-29 13:35:25+00'),
    (6, 'Linen Tea Towel, 3 Pieces', 'Kitchen', 18.00, '2023-04-05 15:36:42+00'),
    (7, 'Crème Brûlée Set', 'Kitchen', 45.00, '2023-04-12 11:19:59+00'),
    (8, 'Stainless Water Bottle', 'Outdoor', 22.50, '2023-04-19 14:04:16+00'),
    (9, 'Two-Person Tent', 'Outdoor', 189.00, '2025-02-10 12:39:51+00'),
    (10, 'Down Sleeping Bag', 'Outdoor', 149.00, '2023-05-03 14:00:50+00'),
    (11, 'Trekking Poles, Pair', 'Outdoor', 59.95, '2023-05-10 11:11:07+00'),
    (12, 'Headlamp 400 lm', 'Outdoor', 39.90, '2023-05-17 15:24:24+00'),
    (13, 'Wind-Up Lantern (discontinued)', 'Outdoor', 27.00, '2024-09-30 16:23:07+00'),
    (14, 'Camping Stove', 'Outdoor', 54.00, '2023-05-31 11:36:58+00'),
    (15, 'Dry Bag 20 l', 'Outdoor', 19.90, '2023-06-07 10:15:15+00'),
    (16, 'Watering Can 5 l', 'Garden', 21.00, '2023-06-14 09:16:32+00'),
    (17, 'Pruning Shears', 'Garden', 32.00, '2023-06-21 15:19:49+00'),
    (18, 'Herb Seeds, 6 Kinds', 'Garden', 9.90, '2023-06-28 15:04:06+00'),
    (19, 'Raised Bed Kit', 'Garden', 119.00, '2023-07-05 15:11:23+00'),
    (20, 'Compost Bin 300 l', 'Garden', 69.00, '2023-07-12 09:00:40+00'),
    (21, 'Bird House', 'Garden', 29.50, '2023-07-19 09:51:57+00'),
    (22, 'Désert Cactus Mix', 'Garden', 14.50, '2023-07-26 11:04:14+00'),
    (23, 'Desk Lamp', 'Lighting', 49.00, '2025-04-22 12:13:17+00'),
    (24, 'Floor Lamp "Arc"', 'Lighting', 159.00, '2023-08-09 14:36:48+00'),
    (25, 'LED Bulb E27, 4 Pieces', 'Lighting', 15.96, '2023-08-16 10:15:05+00'),
    (26, 'Reading Light Clip', 'Lighting', 17.50, '2023-08-23 12:56:22+00'),
    (27, 'Fairy Lights 10 m', 'Lighting', 13.99, '2023-08-30 09:19:39+00'),
    (28, 'Notebook A5 dotted', 'Office', 7.90, '2023-09-06 12:44:56+00'),
    (29, 'Fountain Pen', 'Office', 48.00, '2023-09-13 09:51:13+00'),
    (30, 'Standing Desk', 'Office', 499.00, '2025-09-08 12:30:30+00'),
    (31, 'Office Chair Ergo', 'Office', 349.00, '2023-09-27 11:51:47+00'),
    (32, 'Cable Organiser', 'Office', 11.50, '2023-10-04 10:04:04+00'),
    (33, 'Monitor Arm', 'Office', 89.00, '2023-10-11 15:19:21+00'),
    (34, 'Wooden Train Set', 'Toys', 44.90, '2023-10-18 14:16:38+00'),
    (35, 'Jigsaw Puzzle 1,000 Pieces', 'Toys', 19.99, '2023-10-25 13:35:55+00'),
    (36, 'Board Game "Häfen & Händler"', 'Toys', 37.50, '2025-11-20 11:36:24+00'),
    (37, 'Stacking Cups', 'Toys', 9.99, '2023-11-08 13:19:29+00'),
    (38, 'Kite', 'Toys', 23.00, '2023-11-15 13:44:46+00'),
    (39, 'Fax Paper Roll (discontinued)', 'Office', 4.50, '2024-12-31 14:09:21+00'),
    (40, 'Gift Card 25', NULL, 25.00, '2023-11-29 09:00:20+00'),
    (41, 'Gift Wrap', NULL, 0.00, '2024-11-15 16:31:59+00'),
    (42, 'Travel Guide: 東京', 'Books', 21.90, '2023-12-13 12:24:54+00'),
    (43, 'Cookbook "Küche des Südens"', 'Books', 29.90, '2023-12-20 14:39:11+00'),
    (44, 'Atlas of Stars', 'Books', 54.90, '2023-12-27 10:36:28+00');

-- a to e are dice: squares modulo a prime scatter well enough, and every PostgreSQL computes them alike
-- (hashint4, random and setseed promise no such thing).
WITH numbered AS (
    SELECT n,
           DATE '2024-01-01'
               + CASE WHEN n <= 300 THEN (n - 1) * 366 / 300 ELSE 366 + (n - 301) * 364 / 419 END
               - CASE WHEN n % 90 = 45 THEN 4 ELSE 0 END AS order_date,
           (n * n * 31 + n * 7919) % 65537 AS a,
           (n * n * 97 + n * 10473) % 65537 AS b,
           (n * n * 53 + n * 29989) % 65537 AS c,
           (n * n * 13 + n * 12997) % 65537 AS d,
           (n * n * 71 + n * 15485) % 65537 AS e
    FROM generate_series(1, 720) AS n
),
chosen AS (
    -- Nobody orders before registering; of two throws the lower, so that early users order more.
    SELECT numbered.*,
           1 + least(a % known.users, b % known.users) AS user_id,
           CASE
               WHEN 1 + c % 44 = 13 AND order_date > '2024-09-30' THEN 12
               WHEN 1 + c % 44 = 39 AND order_date > '2024-12-31' THEN 28
               ELSE 1 + c % 44
           END AS product_id,
           (ARRAY[1, 1, 1, 1, 1, 2, 2, 2, 3, 4])[1 + d % 10] AS quantity
    FROM numbered
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS users FROM users WHERE users.created_at < numbered.order_date
    ) AS known
)
INSERT INTO orders (order_id, user_id, product_id, quantity, order_date, total, updated_at)
SELECT n,
       CASE WHEN n NOT IN (137, 512) THEN user_id END,
       CASE WHEN n <> 301 THEN product_id END,
       quantity,
       order_date,
       CASE
           WHEN n % 51 <> 17 THEN price * quantity
           WHEN n % 2 = 0 OR price = 0 THEN price * quantity + 4.95
           ELSE round(price * quantity * 0.9, 2)
       END,
       -- paid, packed or delivered: the last change is up to five days after the order
       (order_date + TIME '08:00' + e % 780 * INTERVAL '1 minute' + e % 6 * INTERVAL '1 day')
           AT TIME ZONE 'UTC'
FROM chosen
JOIN products USING (product_id)
ORDER BY n;

-- The rows above brought their own ids, so the sequences still stand at 1.
SELECT setval(pg_get_serial_sequence('users', 'user_id'), max(user_id)) FROM users;
SELECT setval(pg_get_serial_sequence('products', 'product_id'), max(product_id)) FROM products;
SELECT setval(pg_get_serial_sequence('orders', 'order_id'), max(order_id)) FROM orders;
