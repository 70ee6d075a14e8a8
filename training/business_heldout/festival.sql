-- A film festival and its cinemas: many-to-many, ratings, sponsors. Written for this project; snake_case with plural tables.
CREATE TABLE films (film_id INTEGER PRIMARY KEY, film_title TEXT, director_id INTEGER REFERENCES directors (director_id), country TEXT, release_year INTEGER, runtime INTEGER, budget_eur INTEGER, gross_eur INTEGER, original_language TEXT);
CREATE TABLE directors (director_id INTEGER PRIMARY KEY, forename TEXT, surname TEXT, birth_date TEXT, nationality TEXT);
INSERT INTO directors VALUES
  (1, 'Ines', 'Calado', '1968-04-02', 'Portuguese'), (2, 'Tomasz', 'Wrona', '1975-11-19', 'Polish'), (3, 'Hana', 'Sato', '1981-07-30', 'Japanese'),
  (4, 'Erik', 'Lund', '1959-01-14', 'Danish'), (5, 'Adaeze', 'Obi', '1988-09-09', 'Nigerian'), (6, 'Marco', 'Bellini', '1972-03-23', 'Italian'),
  (7, 'Clara', 'Novak', '1990-12-05', 'Czech'), (8, 'Jean', 'Moreau', '1949-06-17', 'French');
INSERT INTO films VALUES
  (1, 'Salt and Iron', 1, 'Portugal', 2016, 118, 1900000, 5200000, 'Portuguese'), (2, 'The Ninth Tram', 2, 'Poland', 2018, 95, 850000, 640000, 'Polish'),
  (3, 'Paper Cranes at Dusk', 3, 'Japan', 2019, 134, 4200000, 19800000, 'Japanese'), (4, 'Northern Light', 4, 'Denmark', 2014, 101, 2600000, 3100000, 'Danish'),
  (5, 'Lagos, Later', 5, 'Nigeria', 2021, 88, 410000, 2300000, 'English'), (6, 'La Casa Vuota', 6, 'Italy', 2017, 143, 3300000, 2900000, 'Italian'),
  (7, 'Glass Orchard', 7, 'Czech Republic', 2022, 97, 700000, 1150000, 'Czech'), (8, 'Winter Letters', 4, 'Denmark', 2020, 109, 2100000, 1750000, 'Danish'),
  (9, 'A Short Goodbye', 3, 'Japan', 2022, 76, 900000, 4600000, 'Japanese'), (10, 'The Cartographer', 2, 'Poland', 2021, 151, 5100000, 7400000, 'English'),
  (11, 'Mother of Rivers', 5, 'Nigeria', 2019, 112, 620000, NULL, 'Yoruba'), (12, 'Quiet Engines', 6, 'Italy', 2023, 90, 1450000, 980000, 'Italian');

CREATE TABLE genres (genre_id INTEGER PRIMARY KEY, genre_name TEXT);
INSERT INTO genres VALUES (1, 'Drama'), (2, 'Comedy'), (3, 'Thriller'), (4, 'Documentary'), (5, 'Animation'), (6, 'Horror');
CREATE TABLE film_genres (film_id INTEGER REFERENCES films (film_id), genre_id INTEGER REFERENCES genres (genre_id), PRIMARY KEY (film_id, genre_id));
INSERT INTO film_genres VALUES (1, 1), (1, 3), (2, 2), (3, 1), (3, 5), (4, 1), (5, 2), (5, 1), (6, 1), (7, 3), (8, 1), (9, 5), (10, 3), (10, 1), (11, 4), (12, 2);

CREATE TABLE cinemas (cinema_id INTEGER PRIMARY KEY, cinema_name TEXT, quarter TEXT, screens INTEGER, seats INTEGER, wheelchair_access TEXT);
INSERT INTO cinemas VALUES (1, 'Astoria', 'Old Town', 3, 640, 'Y'), (2, 'Lumen', 'Harbour', 1, 180, 'N'), (3, 'Kino Central', 'Old Town', 5, 910, 'Y'), (4, 'Garage 19', 'Mills', 2, 220, 'N'), (5, 'Open Air Park', 'Riverside', 1, 1500, 'Y');

CREATE TABLE showings (showing_id INTEGER PRIMARY KEY, film_id INTEGER REFERENCES films (film_id), cinema_id INTEGER REFERENCES cinemas (cinema_id), starts_at TEXT, ticket_price REAL, tickets_sold INTEGER, with_guest INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 210)
INSERT INTO showings
SELECT i, 1 + (i * 5 + i / 6) % 11, 1 + (i * 3 + i / 7) % 4, datetime('2021-08-20 14:00:00', '+' || (i * 4) || ' days', '+' || (i * 3 % 8) || ' hours'),
  7.5 + (i * 7 % 4) * 1.5, 20 + (i * 29) % 150, CASE WHEN i % 6 = 0 THEN 1 ELSE 0 END
FROM n;

CREATE TABLE critics (critic_id INTEGER PRIMARY KEY, critic_name TEXT, outlet TEXT, active_since INTEGER);
INSERT INTO critics VALUES (1, 'Rosa Lindqvist', 'The Daily Reel', 1998), (2, 'Peter Ashby', 'Frame by Frame', 2011), (3, 'Yuki Mori', 'Cine Tokyo', 2006), (4, 'Omar Haddad', 'The Daily Reel', 2015), (5, 'Lena Fuchs', 'Kinoblatt', 2003);
CREATE TABLE reviews (review_id INTEGER PRIMARY KEY, film_id INTEGER REFERENCES films (film_id), critic_id INTEGER REFERENCES critics (critic_id), stars INTEGER, published_on TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 44)
INSERT INTO reviews SELECT i, 1 + (i * 7 + i / 5) % 11, 1 + (i * 3 + i / 4) % 4, 1 + (i * 13 + i / 3) % 5, date('2021-08-25', '+' || (i * 17) || ' days') FROM n;

CREATE TABLE awards (award_id INTEGER PRIMARY KEY, award_name TEXT, award_year INTEGER, film_id INTEGER REFERENCES films (film_id), prize_money INTEGER);
INSERT INTO awards VALUES (1, 'Golden Lantern', 2021, 3, 25000), (2, 'Audience Prize', 2021, 5, 8000), (3, 'Best Debut', 2022, 7, 10000), (4, 'Golden Lantern', 2022, 10, 25000), (5, 'Audience Prize', 2022, 3, 8000), (6, 'Golden Lantern', 2023, 9, 30000), (7, 'Audience Prize', 2023, 12, 9000);
