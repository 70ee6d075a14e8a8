-- A craft brewery that sells through depots to bars and shops. Written for this project; rows are made by arithmetic.
CREATE TABLE beer_style (style_id INTEGER PRIMARY KEY, style_name VARCHAR(30) NOT NULL, origin_country VARCHAR(30));
INSERT INTO beer_style VALUES
  (1, 'Pale Ale', 'England'), (2, 'Stout', 'Ireland'), (3, 'Pilsner', 'Czech Republic'), (4, 'Weissbier', 'Germany'),
  (5, 'Saison', 'Belgium'), (6, 'Barley Wine', 'England');

CREATE TABLE beer (
  beer_id INTEGER PRIMARY KEY, beer_name VARCHAR(40) NOT NULL, style_id INTEGER REFERENCES beer_style (style_id),
  abv DECIMAL(3,1), list_price DECIMAL(6,2), launched_on DATE, is_seasonal INTEGER
);
INSERT INTO beer VALUES
  (1, 'Harbour Pale', 1, 4.8, 42.00, '2018-03-01', 0), (2, 'Night Shift', 2, 6.2, 55.00, '2018-10-15', 0),
  (3, 'Bohemian Gold', 3, 5.0, 44.50, '2019-05-20', 0), (4, 'Cloudy Monk', 4, 5.4, 47.00, '2020-04-11', 0),
  (5, 'Farmhouse No 5', 5, 6.8, 61.00, '2020-07-01', 1), (6, 'Winter Stout', 2, 8.1, 72.50, '2020-11-05', 1),
  (7, 'Session Pale', 1, 3.4, 38.00, '2021-02-14', 0), (8, 'Old Cellar', 6, 11.0, 98.00, '2021-12-01', 1),
  (9, 'Summer Haze', 4, 4.5, 45.00, '2022-05-30', 1), (10, 'Zero Hero', 3, 0.4, 36.00, '2023-01-09', 0);

CREATE TABLE depot (depot_id INTEGER PRIMARY KEY, town VARCHAR(30), manager_name VARCHAR(40), opened_on DATE, cold_storage_m3 INTEGER);
INSERT INTO depot VALUES
  (1, 'Bristol', 'Megan Price', '2017-01-10', 420), (2, 'Cardiff', 'Owen Hughes', '2018-06-01', 180),
  (3, 'Exeter', 'Lucy Marsh', '2020-09-15', 150), (4, 'Bath', 'Sam Whitlock', '2023-04-01', 90);

CREATE TABLE outlet (
  outlet_id INTEGER PRIMARY KEY, outlet_name VARCHAR(40), outlet_type VARCHAR(20), town VARCHAR(30),
  depot_id INTEGER REFERENCES depot (depot_id), credit_limit DECIMAL(8,2), first_order_on DATE, contact_email VARCHAR(60)
);
INSERT INTO outlet VALUES
  (1, 'The Anchor', 'pub', 'Bristol', 1, 3000, '2018-04-02', 'orders@anchor.example'),
  (2, 'Hop & Vine', 'bottle shop', 'Bristol', 1, 1500, '2019-01-21', 'hello@hopvine.example'),
  (3, 'Castle Inn', 'pub', 'Cardiff', 2, 2500, '2018-07-30', NULL),
  (4, 'Dragon Stores', 'supermarket', 'Cardiff', 2, 9000, '2020-02-10', 'buying@dragon.example'),
  (5, 'Quay Bistro', 'restaurant', 'Exeter', 3, 2000, '2020-10-05', 'chef@quay.example'),
  (6, 'The Mitre', 'pub', 'Exeter', 3, 1200, '2021-03-15', NULL),
  (7, 'Royal Crescent Hotel Bar', 'restaurant', 'Bath', 1, 4000, '2019-06-18', 'bar@crescent.example'),
  (8, 'Corner Cellar', 'bottle shop', 'Bath', 1, 1000, '2022-08-08', 'shop@cellar.example'),
  (9, 'Valley Social Club', 'pub', 'Newport', 2, 800, '2022-11-11', NULL),
  (10, 'FreshMart Gloucester', 'supermarket', 'Gloucester', 1, 12000, '2021-09-01', 'beer@freshmart.example'),
  (11, 'Tavistock Arms', 'pub', 'Tavistock', 3, 700, NULL, NULL),
  (12, 'Severn Grill', 'restaurant', 'Gloucester', 1, 1800, NULL, 'grill@severn.example');

CREATE TABLE sales_order (
  order_id INTEGER PRIMARY KEY, outlet_id INTEGER REFERENCES outlet (outlet_id), ordered_on DATE, delivered_on DATE,
  order_status VARCHAR(12), delivery_fee DECIMAL(6,2)
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240)
INSERT INTO sales_order
SELECT i, 1 + (i * 7 + i / 9) % 10, date('2021-01-04', '+' || (i * 6) || ' days'),
  CASE WHEN i % 17 = 0 OR i > 236 THEN NULL ELSE date('2021-01-04', '+' || (i * 6 + 1 + i % 5) || ' days') END,
  CASE WHEN i % 17 = 0 THEN 'cancelled' WHEN i > 236 THEN 'open' ELSE 'delivered' END,
  CASE WHEN i % 4 = 0 THEN 0 ELSE 7.5 + i % 3 END
FROM n;

CREATE TABLE order_line (
  order_id INTEGER REFERENCES sales_order (order_id), line_no INTEGER, beer_id INTEGER REFERENCES beer (beer_id),
  kegs INTEGER, unit_price DECIMAL(6,2), discount_pct DECIMAL(4,1), PRIMARY KEY (order_id, line_no)
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240),
  l (k) AS (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)
INSERT INTO order_line
SELECT i, k, beer_id, 1 + (i * 5 + k * 3) % 11, list_price, CASE WHEN (i + k) % 5 = 0 THEN 10 WHEN (i + k) % 7 = 0 THEN 5 ELSE 0 END
FROM n JOIN l ON k <= 1 + i % 3 JOIN beer ON beer_id = 1 + (i * 3 + k * 4) % 9;

CREATE TABLE complaint (
  complaint_id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES sales_order (order_id), reported_on DATE, reason VARCHAR(30),
  refund DECIMAL(7,2), resolved INTEGER
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 22)
INSERT INTO complaint
SELECT i, i * 9, date('2021-01-04', '+' || (i * 54 + 8) || ' days'),
  CASE i % 4 WHEN 0 THEN 'late delivery' WHEN 1 THEN 'flat beer' WHEN 2 THEN 'wrong item' ELSE 'damaged keg' END,
  CASE WHEN i % 3 = 0 THEN 0 ELSE 12.5 * (1 + i % 6) END, CASE WHEN i % 5 = 0 THEN 0 ELSE 1 END
FROM n;
