/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A module's one device, which no bus finds: it comes and goes with the module.
 */
#ifndef VPIPE_PLATFORM_H
#define VPIPE_PLATFORM_H

#include <linux/err.h>
#include <linux/platform_device.h>

static inline int vpipe_add_device(struct platform_driver *driver, struct platform_device **pdev)
{
	int ret;

	*pdev = platform_device_register_simple(driver->driver.name, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(*pdev))
		return PTR_ERR(*pdev);

	ret = platform_driver_register(driver);
	if (ret)
		goto unregister_device;

	/* A driver that could not probe stays registered: no use to anybody. */
	if (!platform_get_drvdata(*pdev)) {
		ret = -ENODEV;
		goto unregister_driver;
	}

	return 0;

unregister_driver:
	platform_driver_unregister(driver);
unregister_device:
	platform_device_unregister(*pdev);

	return ret;
}

static inline void vpipe_remove_device(struct platform_driver *driver,
				       struct platform_device *pdev)
{
	platform_driver_unregister(driver);
	platform_device_unregister(pdev);
}

#endif /* VPIPE_PLATFORM_H */
